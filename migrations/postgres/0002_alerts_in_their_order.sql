-- A heap keeps rows in the order in which they came anyway; the number keeps both databases in step.

COMMENT ON TABLE alerts IS 'in the order in which they were first seen';
