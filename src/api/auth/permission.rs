//! The table of roles and doors: what each kind of token may do.

use crate::store::TokenRole;

/// A kind of thing that can be asked of us. Every route stands behind exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// `/-/healthy`, `/-/live` and `/-/ready`: nobody is asked who they are.
    Health,
    /// What the token of a link allows: nobody is asked who they are.
    Link,
    /// The metrics, for a Prometheus.
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
    Monitoring,
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
    /// From the least to the most.
    pub const ALL: [RoleKind; 12] =
        [Ingest, Monitoring, Viewer, First, Second, Third, Incidents, Problems, Changes, Configuration, Manager, Admin];

    pub const fn of(role: &TokenRole) -> RoleKind {
        match role {
            TokenRole::Ingest { .. } => RoleKind::Ingest,
            TokenRole::Monitoring { .. } => RoleKind::Monitoring,
            TokenRole::Viewer => RoleKind::Viewer,
            TokenRole::FirstLine => RoleKind::First,
            TokenRole::SecondLine => RoleKind::Second,
            TokenRole::ThirdLine => RoleKind::Third,
            TokenRole::IncidentManager => RoleKind::Incidents,
            TokenRole::ProblemManager => RoleKind::Problems,
            TokenRole::ChangeManager => RoleKind::Changes,
            TokenRole::ConfigurationManager => RoleKind::Configuration,
            TokenRole::ProcessManager => RoleKind::Manager,
            TokenRole::Admin => RoleKind::Admin,
        }
    }

    /// As a token names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            RoleKind::Ingest => "ingest",
            RoleKind::Monitoring => "monitoring",
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

use RoleKind::{
    Admin, Changes, Configuration, First, Incidents, Ingest, Manager, Monitoring, Problems, Second, Third, Viewer,
};

const EVERYBODY: &[RoleKind] = &RoleKind::ALL;
/// Everybody but the tools.
const PEOPLE: &[RoleKind] =
    &[Viewer, First, Second, Third, Incidents, Problems, Changes, Configuration, Manager, Admin];
/// Those who work on incidents and problems.
const WORKERS: &[RoleKind] = &[First, Second, Third, Incidents, Problems, Changes, Manager, Admin];
/// Those who answer for the way the work is done.
const MANAGERS: &[RoleKind] = &[Incidents, Problems, Changes, Configuration, Manager, Admin];

/// Door by door, who passes it.
const TABLE: [(Permission, &[RoleKind]); 15] = [
    (Permission::Health, EVERYBODY),
    (Permission::Link, EVERYBODY),
    (
        Permission::Metrics,
        &[Monitoring, Viewer, First, Second, Third, Incidents, Problems, Changes, Configuration, Manager, Admin],
    ),
    (Permission::Read, PEOPLE),
    (Permission::Audit, MANAGERS),
    (Permission::Ingest, &[Ingest, Monitoring, Admin]),
    (Permission::Work, WORKERS),
    (Permission::Silence, &[First, Second, Incidents, Changes, Manager, Admin]),
    (Permission::Close, &[First, Incidents, Manager, Admin]),
    (Permission::Steer, &[First, Incidents, Manager, Admin]),
    (Permission::Review, &[Second, Problems, Manager, Admin]),
    (Permission::Conclude, &[Problems, Manager, Admin]),
    (Permission::Inspect, &[First, Second, Third, Manager, Admin]),
    (Permission::SignOff, &[Second, Manager, Admin]),
    (Permission::Reload, &[Configuration, Manager, Admin]),
];

impl Permission {
    /// What it lets through, in a few words, as the table of roles has it; `None`: nobody is asked who they are.
    pub const fn permission(self) -> Option<&'static str> {
        match self {
            Permission::Health | Permission::Link => None,
            Permission::Metrics => Some("metrics"),
            Permission::Read => Some("read"),
            Permission::Audit => Some("audit"),
            Permission::Ingest => Some("push"),
            Permission::Work => Some("work"),
            Permission::Silence => Some("silence"),
            Permission::Close => Some("close"),
            Permission::Steer => Some("steer"),
            Permission::Review => Some("review"),
            Permission::Conclude => Some("conclude"),
            Permission::Inspect => Some("inspect"),
            Permission::SignOff => Some("sign off"),
            Permission::Reload => Some("reload"),
        }
    }

    /// What that means.
    pub const fn meaning(self) -> &'static str {
        match self {
            Permission::Health => "ask whether the service lives and is ready",
            Permission::Link => "follow the link of a notice",
            Permission::Metrics => "read /metrics",
            Permission::Read => "read incidents, alerts, problems, runs, figures, rules and the stream",
            Permission::Audit => "read the audit",
            Permission::Ingest => "push events; ingest:SOURCE and monitoring:SOURCE of that source only",
            Permission::Work => "take, hand on and comment incidents, and comment problems",
            Permission::Silence => "silence alerts, as far as the role's bounds go",
            Permission::Close => "close and cancel incidents",
            Permission::Steer => "merge and reopen incidents",
            Permission::Review => "accept, own, move and describe problems",
            Permission::Conclude => "close problems, or accept their risk",
            Permission::Inspect => "start inspection runs and record their items",
            Permission::SignOff => "sign, reject and skip inspection runs",
            Permission::Reload => "read the rule files again",
        }
    }

    /// Everything that can be asked, in the order of the table.
    pub fn all() -> impl Iterator<Item = Permission> {
        TABLE.iter().map(|(door, _)| *door)
    }

    /// The roles that pass it.
    pub fn roles(self) -> &'static [RoleKind] {
        TABLE.iter().find(|(door, _)| *door == self).map_or(&[], |(_, roles)| roles)
    }

    /// Whether this role passes it; `source` is what a push is of, for the tokens of one source.
    pub fn admits(self, role: &TokenRole, source: Option<&str>) -> bool {
        let own_source = match (role, source) {
            (TokenRole::Ingest { source: own } | TokenRole::Monitoring { source: own }, Some(wanted)) => {
                own == "*" || own == wanted
            }
            // What is pushed always names its source.
            (TokenRole::Ingest { .. } | TokenRole::Monitoring { .. }, None) => self != Permission::Ingest,
            (
                TokenRole::Viewer
                | TokenRole::FirstLine
                | TokenRole::SecondLine
                | TokenRole::ThirdLine
                | TokenRole::IncidentManager
                | TokenRole::ProblemManager
                | TokenRole::ChangeManager
                | TokenRole::ConfigurationManager
                | TokenRole::ProcessManager
                | TokenRole::Admin,
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
            assert!(door.admits(&TokenRole::Admin, Some("v2")), "{door:?}");
        }
    }

    #[test]
    fn an_ingest_token_pushes_its_own_source_and_nothing_else() {
        let zabbix = TokenRole::Ingest { source: "zabbix".to_owned() };
        let any = TokenRole::Ingest { source: "*".to_owned() };
        assert!(Permission::Ingest.admits(&zabbix, Some("zabbix")));
        assert!(!Permission::Ingest.admits(&zabbix, Some("grafana")));
        assert!(!Permission::Ingest.admits(&zabbix, None));
        assert!(Permission::Ingest.admits(&any, Some("grafana")));
        assert!(!Permission::Read.admits(&any, None));
        assert!(!Permission::Ingest.admits(&TokenRole::Viewer, Some("zabbix")));
        let prometheus = TokenRole::Monitoring { source: "v2".to_owned() };
        assert!(Permission::Ingest.admits(&prometheus, Some("v2")) && Permission::Metrics.admits(&prometheus, None));
        assert!(!Permission::Ingest.admits(&prometheus, Some("zabbix")) && !Permission::Read.admits(&prometheus, None));
        assert!(!Permission::Metrics.admits(&zabbix, None));
    }
}
