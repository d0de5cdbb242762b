//! One column whose bytes are the whole message.
