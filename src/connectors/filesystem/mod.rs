//! Files in folders: a source, a sink whose files appear when they are finished, a lookup table (ours).
