//! How many files and sockets the operating system lets this process have open.

/// The soft limit; `None` where there is none, or where the system does not say.
pub fn limit() -> Option<usize> {
    soft_limit(&std::fs::read_to_string("/proc/self/limits").ok()?)
}

fn soft_limit(limits: &str) -> Option<usize> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_read() {
        let text =
            |soft: &str| format!("Max processes  1 2 processes\nMax open files            {soft}     524288   files\n");
        assert_eq!(soft_limit(&text("1024")), Some(1_024));
        assert_eq!(soft_limit(&text("unlimited")), None);
        assert_eq!(soft_limit(""), None);
    }
}
