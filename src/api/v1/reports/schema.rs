//! The shapes of figures in answers: the service report of a period and its parts, and what is billed.

use crate::api::http::shape::FieldKind::{Many, MaybeNumber, MaybeText, Number, One, Text, Time};
use crate::api::http::shape::Shape;

/// As the other shapes.
pub const FIGURES: &[Shape] = &[
    Shape {
        name: "Figures",
        members: &[
            ("from", Time),
            ("to", Time),
            ("calendar", Text),
            ("incidents", One("IncidentFigures")),
            ("problems", One("ProblemFigures")),
            ("inspections", One("InspectionFigures")),
            ("outage_minutes", Number),
        ],
    },
    Shape {
        name: "IncidentFigures",
        members: &[
            ("merged", Number),
            ("cancelled", Number),
            ("unpaged", Number),
            ("opened", Number),
            ("acknowledged", Number),
            ("time_to_acknowledge", One("Times")),
            ("working_time_to_acknowledge", One("Times")),
            ("resolved", Number),
            ("time_to_resolve", One("Times")),
            ("working_time_to_resolve", One("Times")),
            ("by_tier", Many("TierShare")),
            ("band", MaybeText),
            ("contained", Number),
            ("containment_rate", MaybeNumber),
            ("containment", MaybeText),
            ("escalated", Number),
            ("escalations", Number),
            ("bounces", Number),
            ("bounce_rate", MaybeNumber),
            ("reopened", Number),
            ("reopen_rate", MaybeNumber),
            ("recurring", Number),
            ("recurrence_rate", MaybeNumber),
            ("overdue", Number),
            ("overdue_rate", MaybeNumber),
            ("overdue_reasons", Many("OverdueReason")),
        ],
    },
    Shape { name: "Times", members: &[("count", Number), ("mean", Text), ("median", Text), ("p90", Text)] },
    Shape { name: "TierShare", members: &[("tier", Number), ("resolved", Number), ("share", MaybeNumber)] },
    Shape { name: "OverdueReason", members: &[("code", Text), ("count", Number)] },
    Shape { name: "ProblemFigures", members: &[("opened", Number), ("closed", Number)] },
    Shape {
        name: "InspectionFigures",
        members: &[("completed", Number), ("missed", Number), ("skipped", Number), ("completion_rate", MaybeNumber)],
    },
    Shape {
        name: "BillingRow",
        members: &[
            ("incident", Text),
            ("title", Text),
            ("opened_at", Time),
            ("resolved_at", Time),
            ("minutes", Number),
            ("working_minutes", Number),
            ("off_hours_minutes", Number),
        ],
    },
];
