//! What the centre is judged by: rows 12, 23, 62 and the figures of others.
