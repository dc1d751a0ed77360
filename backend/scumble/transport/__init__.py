"""What crosses processes: layers packed for slow links, pixels and results in files, and how a loop is woken."""
