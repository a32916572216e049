"""What a newcomer adds, each in one file, by what the package exports."""
