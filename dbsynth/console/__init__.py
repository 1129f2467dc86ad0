"""What a person sees and types: options, progress, tables, errors. Nothing here decides what is done."""
