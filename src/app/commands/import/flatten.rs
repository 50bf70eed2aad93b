//! The tree of routes as a list of rules that tell the same receivers: innermost first, in the order of the tree.
//!
//! An Alertmanager walks down: of the children of a route those take the alert that match, up to the first that does not
//! continue; the route itself has it only if no child does. A rule that owns an alert ends the walk here as well, so the
//! order of the rules says most of that. Where a route continues, nobody owns the alert, and the rules after it say by
//! `unless` which of its alerts are not theirs.

use super::routes::{Route, RouteSettings};
use super::strict_map::Place;
use crate::core::model::Matcher;

/// A route as a rule.
#[derive(Clone, Debug)]
pub(super) struct RoutedRule {
    pub place: Place,
    pub settings: RouteSettings,
    /// Its own and those of the routes above it.
    pub matchers: Vec<Matcher>,
    /// Alerts that fit any of these are those of other routes.
    pub unless: Vec<Vec<Matcher>>,
    pub continues: bool,
    pub mute: Vec<String>,
    pub active: Vec<String>,
}

/// All rules; a route that no alert can reach has none.
pub(super) fn rules(root: &Route) -> Vec<RoutedRule> {
    let mut rules = Vec::new();
    // Nothing follows the root.
    let root = Route { continues: false, ..root.clone() };
    walk(&root, &Path { matchers: root.matchers.clone(), unless: Vec::new(), continues: false }, &mut rules);
    rules
}

/// The way down to a route, itself included.
#[derive(Clone)]
struct Path {
    matchers: Vec<Matcher>,
    unless: Vec<Vec<Matcher>>,
    /// The walk goes on after the route, or after one above it.
    continues: bool,
}

fn walk(route: &Route, path: &Path, rules: &mut Vec<RoutedRule>) {
    let mut unless = path.unless.clone();
    // Whether every alert of the route is taken by a child.
    let mut all_taken = false;
    for child in &route.children {
        let below = Path {
            matchers: path.matchers.iter().chain(&child.matchers).cloned().collect(),
            unless: unless.clone(),
            continues: path.continues || child.continues,
        };
        walk(child, &below, rules);
        all_taken |= child.matchers.is_empty();
        if child.matchers.is_empty() && !child.continues {
            break;
        }
        if !child.continues && !is_owned(child, path) {
            unless.push(child.matchers.clone());
        }
    }
    if all_taken {
        return;
    }
    // The route itself is no sibling of its children: those that continue have taken the alert as well.
    let of_children = route.children.iter().filter(|child| !is_owned(child, path)).map(|child| child.matchers.clone());
    rules.push(RoutedRule {
        place: route.place.clone(),
        settings: route.settings.clone(),
        matchers: path.matchers.clone(),
        unless: path.unless.iter().cloned().chain(of_children).collect(),
        continues: path.continues,
        mute: route.mute.clone(),
        active: route.active.clone(),
    });
}

/// Whether a rule of the child, or of one below it, owns each alert that the child takes.
fn is_owned(child: &Route, above: &Path) -> bool {
    fn ends(route: &Route) -> bool {
        !route.continues && route.children.iter().all(ends)
    }
    !above.continues && ends(child)
}
