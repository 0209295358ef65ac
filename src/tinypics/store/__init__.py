"""Object stores of any vendor, folders and memory, behind one class."""
