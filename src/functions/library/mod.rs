//! The built-in functions, one small file or family each, and the registry that finds them by name.
