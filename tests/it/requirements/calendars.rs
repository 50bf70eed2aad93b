//! Working time: rows 30, 32, 49 and 74 as far as they are about calendars.
