//! The table of roles and doors: what each kind of token may do.

use crate::store::Role;

/// A kind of thing that can be asked of us. Every route stands behind exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Door {
    /// `/-/healthy` and `/-/ready`: nobody is asked who they are.
    Health,
    /// What the token of a link allows: nobody is asked who they are.
    Link,
    /// The metrics, for a Prometheus with a viewer's token.
    Metrics,
    /// Every list, record and the stream.
    Read,
    /// Who did what: the audit.
    Audit,
    /// Push events, of the token's own source.
    Ingest,
    /// Take, hand on and comment incidents and problems.
    Work,
    /// Silence alerts.
    Silence,
    /// End an incident for good: first line owns tracking and closing.
    Close,
    /// Merge and reopen incidents.
    Steer,
    /// Own, move and describe problems.
    Review,
    /// End a problem for good: close it, or accept its risk.
    Conclude,
    /// Start runs and record their items.
    Inspect,
    /// Sign, reject and skip runs.
    SignOff,
    /// Read the rule files again.
    Reload,
}

/// A role without its source: a column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RoleKind {
    Ingest,
    Viewer,
    First,
    Second,
    Third,
    Incidents,
    Problems,
    Changes,
    Configuration,
    Manager,
    Admin,
}

impl RoleKind {
    pub const fn of(role: &Role) -> RoleKind {
        match role {
            Role::Ingest { .. } => RoleKind::Ingest,
            Role::Viewer => RoleKind::Viewer,
            Role::FirstLine => RoleKind::First,
            Role::SecondLine => RoleKind::Second,
            Role::ThirdLine => RoleKind::Third,
            Role::IncidentManager => RoleKind::Incidents,
            Role::ProblemManager => RoleKind::Problems,
            Role::ChangeManager => RoleKind::Changes,
            Role::ConfigurationManager => RoleKind::Configuration,
            Role::ProcessManager => RoleKind::Manager,
            Role::Admin => RoleKind::Admin,
        }
    }

    /// As a token names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            RoleKind::Ingest => "ingest",
            RoleKind::Viewer => "viewer",
            RoleKind::First => "first_line",
            RoleKind::Second => "second_line",
            RoleKind::Third => "third_line",
            RoleKind::Incidents => "incident_manager",
            RoleKind::Problems => "problem_manager",
            RoleKind::Changes => "change_manager",
            RoleKind::Configuration => "configuration_manager",
            RoleKind::Manager => "process_manager",
            RoleKind::Admin => "admin",
        }
    }
}

use RoleKind::{Admin, Changes, Configuration, First, Incidents, Ingest, Manager, Problems, Second, Third, Viewer};

const EVERYBODY: &[RoleKind] =
    &[Ingest, Viewer, First, Second, Third, Incidents, Problems, Changes, Configuration, Manager, Admin];
/// Everybody but the tools.
const PEOPLE: &[RoleKind] =
    &[Viewer, First, Second, Third, Incidents, Problems, Changes, Configuration, Manager, Admin];
/// Those who work on incidents and problems.
const WORKERS: &[RoleKind] = &[First, Second, Third, Incidents, Problems, Changes, Manager, Admin];
/// Those who answer for the way the work is done.
const MANAGERS: &[RoleKind] = &[Incidents, Problems, Changes, Configuration, Manager, Admin];

/// Door by door, who passes it.
const TABLE: [(Door, &[RoleKind]); 15] = [
    (Door::Health, EVERYBODY),
    (Door::Link, EVERYBODY),
    (Door::Metrics, PEOPLE),
    (Door::Read, PEOPLE),
    (Door::Audit, MANAGERS),
    (Door::Ingest, &[Ingest, Admin]),
    (Door::Work, WORKERS),
    (Door::Silence, &[First, Second, Incidents, Changes, Manager, Admin]),
    (Door::Close, &[First, Incidents, Manager, Admin]),
    (Door::Steer, &[First, Incidents, Manager, Admin]),
    (Door::Review, &[Second, Problems, Manager, Admin]),
    (Door::Conclude, &[Problems, Manager, Admin]),
    (Door::Inspect, &[First, Second, Third, Manager, Admin]),
    (Door::SignOff, &[Second, Manager, Admin]),
    (Door::Reload, &[Configuration, Manager, Admin]),
];

impl Door {
    /// The roles that pass it.
    pub fn roles(self) -> &'static [RoleKind] {
        TABLE.iter().find(|(door, _)| *door == self).map_or(&[], |(_, roles)| roles)
    }

    /// Whether this role passes it; `source` is what a push is of, for the tokens of one source.
    pub fn admits(self, role: &Role, source: Option<&str>) -> bool {
        let own_source = match (role, source) {
            (Role::Ingest { source: own }, Some(wanted)) => own == "*" || own == wanted,
            (Role::Ingest { .. }, None) => matches!(self, Door::Health | Door::Link),
            (
                Role::Viewer
                | Role::FirstLine
                | Role::SecondLine
                | Role::ThirdLine
                | Role::IncidentManager
                | Role::ProblemManager
                | Role::ChangeManager
                | Role::ConfigurationManager
                | Role::ProcessManager
                | Role::Admin,
                _,
            ) => true,
        };
        own_source && self.roles().contains(&RoleKind::of(role))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_door_has_a_row_and_an_admin_passes_all_of_them() {
        for (door, roles) in TABLE {
            assert_eq!(door.roles(), roles);
            assert!(door.admits(&Role::Admin, Some("v2")), "{door:?}");
        }
    }

    #[test]
    fn an_ingest_token_pushes_its_own_source_and_nothing_else() {
        let zabbix = Role::Ingest { source: "zabbix".to_owned() };
        let any = Role::Ingest { source: "*".to_owned() };
        assert!(Door::Ingest.admits(&zabbix, Some("zabbix")));
        assert!(!Door::Ingest.admits(&zabbix, Some("grafana")));
        assert!(!Door::Ingest.admits(&zabbix, None));
        assert!(Door::Ingest.admits(&any, Some("grafana")));
        assert!(!Door::Read.admits(&any, None));
        assert!(!Door::Ingest.admits(&Role::Viewer, Some("zabbix")));
    }
}
