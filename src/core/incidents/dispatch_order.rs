//! The dispatch order: one printed page for an engineer.

use std::fmt::Write;

use jiff::tz::TimeZone;

use super::Incident;
use crate::core::model::{Timestamp, one_line};
use crate::core::rules::{ConfigurationItem, Team};

/// Data of the order in addition to the incident itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct OrderedWith<'a> {
    pub team: Option<&'a Team>,
    /// The failed item, if the inventory has it.
    pub item: Option<&'a ConfigurationItem>,
}

/// Plain text, in the language of the signer; times are local in `zone`.
pub fn dispatch_order(incident: &Incident, with: OrderedWith<'_>, zone: &TimeZone, now: Timestamp) -> String {
    let time = |moment: Timestamp| moment.to_timestamp().to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
    let mut order = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing into a text cannot fail.
        let _ = writeln!(order, "{}：{}", one_line(name), one_line(value));
    };
    line("派工单", &incident.id.to_string());
    line("派工方式", incident.support.kind.title());
    line("优先级", &format!("{}（{}）", incident.priority, incident.priority_reason));
    line("故障", &incident.title);
    line("发生时间", &time(incident.opened_at));
    line("打印时间", &time(now));
    let (name, title) =
        with.team.map_or((incident.team.as_str(), ""), |team| (team.name.as_str(), team.title.as_str()));
    line("派往", &format!("{name} {title}（{}线）", incident.tier).replace(" （", "（"));
    line("负责人", incident.assignee.as_deref().unwrap_or("未指派"));
    if let Some(item) = with.item {
        line("设备", &format!("{} {}", item.name, item.class));
        line("地点", item.site.as_deref().unwrap_or("未登记"));
        // The day as written in the contract, not its end in another zone.
        let until = item.facts.get("contract_until").map_or_else(String::new, |until| format!("，至 {until}"));
        let contract = item.contract.as_deref().unwrap_or("无合同");
        line("厂商", &format!("{}，合同 {contract}{until}", item.vendor.as_deref().unwrap_or("未登记")));
    } else if let Some(site) = incident.labels.get("site") {
        line("地点", site);
    }
    if let Some(diagnosis) = &incident.diagnosis {
        line("诊断", diagnosis);
    }
    for (field, text) in &incident.support.triage {
        line(field, text);
    }
    if let Some(workaround) = &incident.workaround {
        line("变通方案", workaround);
    }
    if let Some(playbook) = &incident.support.playbook {
        line("处置步骤", &playbook.title);
        for step in &playbook.steps {
            let tick = if step.ticked_by.is_some() { "[x]" } else { "[ ]" };
            line(&format!("  {tick} {}", step.title), step.note.as_deref().unwrap_or_default());
        }
    }
    for signature in ["到场时间", "完成时间", "处理结果", "工程师签字", "客户签字"] {
        line(signature, "________________");
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::incidents::{SupportLog, sample};
    use crate::core::model::Labels;
    use crate::core::rules::DispatchMode;

    #[test]
    fn the_order_says_how_where_and_under_which_contract() {
        let item = ConfigurationItem {
            name: "核心路由器".to_owned(),
            class: "router".to_owned(),
            site: Some("广州01".to_owned()),
            owner: None,
            vendor: Some("华信".to_owned()),
            contract: Some("0000COM1234".to_owned()),
            aliases: Vec::new(),
            facts: Labels::from_pairs([("contract_until", "2026-12-31")]),
        };
        let support = SupportLog {
            kind: DispatchMode::SeniorVisit,
            triage: [("symptom".to_owned(), "业务中断\n客户签字：无".to_owned())].into(),
            ..SupportLog::default()
        };
        let incident = Incident { support, ..sample() };
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let order = dispatch_order(&incident, OrderedWith { team: None, item: Some(&item) }, &zone, Timestamp::EPOCH);
        for expected in [
            "派工单：INC-1\n",
            "派工方式：高级工程师紧急上门\n",
            "发生时间：1970-01-01 08:00\n",
            "派往：first-line（1线）\n",
            "地点：广州01\n",
            "厂商：华信，合同 0000COM1234，至 2026-12-31\n",
            "symptom：业务中断 客户签字：无\n",
            "客户签字：____",
        ] {
            assert!(order.contains(expected), "{expected} in\n{order}");
        }
    }
}
