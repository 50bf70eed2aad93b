//! The shapes of promises in answers: clocks, contacts, targets with their figures, outages.

use crate::api::http::shape::FieldKind::{
    Bool, Many, MaybeBool, MaybeNumber, MaybeObject, MaybeText, MaybeTime, Number, Text, Texts, Time,
};
use crate::api::http::shape::Shape;

/// As the other shapes.
pub const PROMISES: &[Shape] = &[
    Shape {
        name: "Clock",
        members: &[
            ("clock", Text),
            ("state", Text),
            ("target", Text),
            ("version", Number),
            ("shadow", Bool),
            ("limit", Text),
            ("calendar", Text),
            ("elapsed", Text),
            ("deadline", MaybeTime),
            ("breached_at", MaybeTime),
            ("paused", MaybeText),
            ("ended_at", MaybeTime),
        ],
    },
    Shape { name: "Contact", members: &[("at", Time), ("by", Text), ("actor", Text), ("note", Text), ("after", Text)] },
    Shape {
        name: "IncidentOutage",
        members: &[("customer", Text), ("service", Text), ("party", Text), ("from", Time), ("to", MaybeTime)],
    },
    Shape {
        name: "Targets",
        members: &[
            ("from", Time),
            ("to", Time),
            ("targets", Many("Target")),
            ("attainment", Many("Attainment")),
            ("reasons", Many("BreachReasonCount")),
            ("out_of_catalogue", Number),
            ("without_target", Number),
        ],
    },
    Shape {
        name: "Target",
        members: &[
            ("name", Text),
            ("version", Number),
            ("from", MaybeTime),
            ("until", MaybeTime),
            ("because", Text),
            ("matchers", Text),
            ("classes", Texts),
            ("priorities", Texts),
            ("during", MaybeText),
            ("tto", MaybeObject),
            ("ttr", MaybeObject),
            ("shadow", Bool),
        ],
    },
    Shape {
        name: "Attainment",
        members: &[
            ("target", Text),
            ("version", Number),
            ("shadow", Bool),
            ("cases", Number),
            ("figures", Many("TargetFigure")),
        ],
    },
    Shape {
        name: "TargetFigure",
        members: &[
            ("name", Text),
            ("measure", Text),
            ("good", Number),
            ("of", Number),
            ("percent", MaybeNumber),
            ("goal", MaybeNumber),
            ("reached", MaybeBool),
        ],
    },
    Shape { name: "BreachReasonCount", members: &[("code", Text), ("title", Text), ("count", Number)] },
    Shape {
        name: "Outages",
        members: &[("year", Number), ("budgets", Many("OutageBudget")), ("outages", Many("Outage"))],
    },
    Shape {
        name: "OutageBudget",
        members: &[("budget", Text), ("year", Number), ("used", Text), ("of", Text), ("availability", Number)],
    },
    Shape {
        name: "Outage",
        members: &[
            ("incident", Text),
            ("customer", Text),
            ("service", Text),
            ("party", Text),
            ("from", Time),
            ("to", MaybeTime),
        ],
    },
];
