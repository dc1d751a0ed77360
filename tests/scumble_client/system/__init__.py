"""What differs between Linux, Windows and macOS, tried with each of them pretended."""
