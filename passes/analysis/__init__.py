"""Facts about programs that passes share. Nothing here changes a program."""
