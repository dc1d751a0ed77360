"""The broker: queue, buffers, finished results, security. It never imports torch."""
