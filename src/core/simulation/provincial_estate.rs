//! A provincial estate as the users' documents count it, generated from a seed: 17 branches, 6 offices, 18 brigades,
//! their 2,600 clients and the infrastructure behind them, and the 12 people who look after it. Written as rule files,
//! so that every reader of rule files is tried on it.

use std::fmt::Write;

use super::rng::Rng;

/// Number of each kind.
pub const CLIENTS: usize = 2_600;
pub const PRINTERS: usize = 800;
pub const SERVERS: usize = 70;
pub const MINICOMPUTERS: usize = 4;
pub const STORAGES: usize = 2;
pub const NETWORK: usize = 200;
pub const APPLICATIONS: usize = 20;
pub const OFFICES: usize = 6;
pub const BRIGADES: usize = 18;
/// Code and name.
pub const BRANCHES: [(&str, &str); 17] = [
    ("GZ01", "广州"),
    ("SZ02", "深圳"),
    ("ZH03", "珠海"),
    ("ST04", "汕头"),
    ("FS05", "佛山"),
    ("SG06", "韶关"),
    ("ZJ07", "湛江"),
    ("ZQ08", "肇庆"),
    ("JM09", "江门"),
    ("MM10", "茂名"),
    ("HZ11", "惠州"),
    ("MZ12", "梅州"),
    ("SW13", "汕尾"),
    ("HY14", "河源"),
    ("YJ15", "阳江"),
    ("QY16", "清远"),
    ("DG17", "东莞"),
];
/// The site of the machine rooms.
pub const HEADQUARTERS: &str = "HQ00";

/// The first lines by telephone, the ones on site, and the experts: twelve people in all.
const HOTLINE: usize = 2;
const ON_SITE: usize = 7;
const EXPERTS: usize = 3;
pub const STAFF: usize = HOTLINE + ON_SITE + EXPERTS;

/// Limit of open incidents of each.
const HOTLINE_LIMIT: usize = 20;
const ON_SITE_LIMIT: usize = 8;
const EXPERT_LIMIT: usize = 10;

/// An item with a site that can fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EstateItem {
    pub name: String,
    /// `client`, `printer`, `server`, `minicomputer`, `storage`, `network` or `application`.
    pub class: &'static str,
    pub site: String,
    /// The skill needed to repair it.
    pub skill: &'static str,
    pub depends_on: Vec<String>,
}

/// The estate with its people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Province {
    /// Headquarters, branches, offices and brigades: code and title.
    pub sites: Vec<(String, String)>,
    pub items: Vec<EstateItem>,
    /// The people on site: name and covered sites.
    pub on_site: Vec<(String, Vec<String>)>,
}

impl Province {
    /// The same estate for the same seed.
    pub fn build(seed: u64) -> Province {
        let mut chance = Rng::new(seed);
        let mut province = Province { sites: sites(), items: Vec::new(), on_site: Vec::new() };
        let access = province.network(&mut chance.split());
        province.machine_rooms(&mut chance.split());
        province.clients(&access, &mut chance.split());
        province.people();
        province
    }

    /// As rule files, each with its path: the estate, and its service desk. They name no work calendar but `always`, so
    /// that a reader may add its own.
    pub fn rule_files(&self) -> Vec<(String, String)> {
        let file = |path: &str, text: String| (path.to_owned(), text);
        vec![
            file("province-inventory.yaml", self.inventory_text()),
            file("province-desk.yaml", self.desk_text()),
            file("province-rules.yaml", RULES.to_owned()),
        ]
    }

    /// Two routers at headquarters, then a router and switches at each site; returns the switches by site.
    fn network(&mut self, chance: &mut Rng) -> Vec<Vec<String>> {
        let cores: Vec<String> = (1..=2).map(|n| format!("hq00-core{n}")).collect();
        for core in &cores {
            self.add(core.clone(), "network", HEADQUARTERS, "network", Vec::new());
        }
        let sites = self.sites.clone();
        let mut access = Vec::with_capacity(sites.len());
        for (code, _) in &sites {
            let router = format!("{}-ar1", code.to_lowercase());
            self.add(router.clone(), "network", code, "network", cores.clone());
            let switch = format!("{}-sw1", code.to_lowercase());
            self.add(switch.clone(), "network", code, "network", vec![router]);
            access.push(vec![switch]);
        }
        while self.count("network") < NETWORK {
            let site = chance.below(sites.len());
            let code = sites[site].0.to_lowercase();
            let switch = format!("{code}-sw{}", access[site].len() + 1);
            self.add(switch.clone(), "network", &sites[site].0, "network", vec![format!("{code}-ar1")]);
            access[site].push(switch);
        }
        access
    }

    /// Storage, minicomputers, servers and applications, all at headquarters.
    fn machine_rooms(&mut self, chance: &mut Rng) {
        let switch = "hq00-sw1".to_owned();
        for n in 1..=STORAGES {
            self.add(format!("hq00-emc{n}"), "storage", HEADQUARTERS, "storage", vec![switch.clone()]);
        }
        for n in 1..=MINICOMPUTERS {
            let storage = format!("hq00-emc{}", 1 + chance.below(STORAGES));
            self.add(format!("hq00-mini{n}"), "minicomputer", HEADQUARTERS, "system", vec![switch.clone(), storage]);
        }
        for n in 1..=SERVERS {
            self.add(format!("hq00-srv{n}"), "server", HEADQUARTERS, "system", vec![switch.clone()]);
        }
        for n in 1..=APPLICATIONS {
            let server = format!("hq00-srv{}", 1 + chance.below(SERVERS));
            let database = format!("hq00-mini{}", 1 + chance.below(MINICOMPUTERS));
            self.add(format!("app{n}"), "application", HEADQUARTERS, "application", vec![server, database]);
        }
    }

    /// Clients and printers: branches have the most, brigades few.
    fn clients(&mut self, access: &[Vec<String>], chance: &mut Rng) {
        let sites = self.sites.clone();
        let weight = |code: &str| match code.as_bytes() {
            [b'B', b'D', ..] => 0.4,
            [b'O', b'F', ..] => 0.6,
            _branch_or_headquarters => 1.5,
        };
        let weights: Vec<f64> = sites.iter().map(|(code, _)| weight(code)).collect();
        for (class, short, most) in [("client", "pc", CLIENTS), ("printer", "prn", PRINTERS)] {
            let mut numbers = vec![0; sites.len()];
            for _ in 0..most {
                let site = chance.weighted(&weights);
                numbers[site] += 1;
                let name = format!("{}-{short}{}", sites[site].0.to_lowercase(), numbers[site]);
                let switch = access[site][chance.below(access[site].len())].clone();
                self.add(name, class, &sites[site].0, "desktop", vec![switch]);
            }
        }
    }

    /// Assigns each site to exactly one of the people on site, in turn.
    fn people(&mut self) {
        self.on_site = (1..=ON_SITE).map(|n| (format!("驻场工程师{n}"), Vec::new())).collect();
        for (number, (code, _)) in self.sites.iter().enumerate() {
            self.on_site[number % ON_SITE].1.push(code.clone());
        }
    }

    fn add(&mut self, name: String, class: &'static str, site: &str, skill: &'static str, depends_on: Vec<String>) {
        self.items.push(EstateItem { name, class, site: site.to_owned(), skill, depends_on });
    }

    fn count(&self, class: &str) -> usize {
        self.items.iter().filter(|item| item.class == class).count()
    }

    fn inventory_text(&self) -> String {
        let mut text = String::from("inventory:\n  items:\n");
        for EstateItem { name, class, site, skill, depends_on } in &self.items {
            let needs = depends_on.join(", ");
            let facts = format!("facts: {{skill: {skill}}}");
            let line =
                format!("    - {{name: {name}, class: {class}, site: {site}, depends_on: [{needs}], {facts}}}\n");
            text.push_str(&line);
        }
        text
    }

    fn desk_text(&self) -> String {
        let mut text = String::from("people:\n");
        let mut person = |name: &str, limit: usize, more: &str| {
            writeln!(text, "  - {{name: {name}, limit: {limit}{more}}}").expect("writing to a text does not fail");
        };
        for n in 1..=HOTLINE {
            person(&format!("热线坐席{n}"), HOTLINE_LIMIT, "");
        }
        for (name, sites) in &self.on_site {
            person(name, ON_SITE_LIMIT, &format!(", organisation: 外包服务商, sites: [{}]", sites.join(", ")));
        }
        for (n, skills) in EXPERT_SKILLS.iter().enumerate() {
            person(&format!("二线专家{}", n + 1), EXPERT_LIMIT, &format!(", skills: [{skills}]"));
        }
        let on_site: Vec<&str> = self.on_site.iter().map(|(name, _)| name.as_str()).collect();
        let experts: Vec<String> = (1..=EXPERTS).map(|n| format!("二线专家{n}")).collect();
        text.push_str("rosters:\n");
        for (name, crews, hours) in [
            ("热线", vec!["[热线坐席1]".to_owned(), "[热线坐席2]".to_owned()], "every: 12h"),
            ("驻场", vec![format!("[{}]", on_site.join(", "))], "every: daily"),
            ("专家", vec![format!("[{}]", experts.join(", "))], "every: daily"),
        ] {
            let people = crews.join(", ");
            let layer = format!("{{name: 轮班, start: \"2025-12-29T08:00\", {hours}, people: [{people}]}}");
            let roster = format!("  - {{name: {name}, zone: Asia/Shanghai, layers: [{layer}]}}\n");
            text.push_str(&roster);
        }
        text.push_str(TEAMS);
        text
    }
}

const EXPERT_SKILLS: [&str; EXPERTS] = ["network, desktop", "system, storage", "application, system"];

fn sites() -> Vec<(String, String)> {
    let headquarters = (HEADQUARTERS.to_owned(), "省局总部".to_owned());
    let branches = BRANCHES.iter().map(|(code, place)| ((*code).to_owned(), format!("{place}分公司")));
    let offices = (1..=OFFICES).map(|n| (format!("OF{n:02}"), format!("第{n}办事处")));
    let brigades = (1..=BRIGADES).map(|n| (format!("BD{n:02}"), format!("第{n}大队")));
    std::iter::once(headquarters).chain(branches).chain(offices).chain(brigades).collect()
}

const TEAMS: &str = r#"
teams:
  - {name: on-site, title: 一线驻场, tier: 1, roster: 驻场, organisation: 外包服务商}
  - {name: hotline, title: 一线热线, tier: 1, roster: 热线}
  - {name: experts, title: 二线专家, tier: 2, roster: 专家}
  - {name: vendors, title: 三线厂商, tier: 3, members: [厂商支持]}
tiers:
  - name: default
    steps:
      - {tier: 1, team: on-site, respond_by: 15m, resolve_by: 4h}
      - {tier: 2, team: experts, respond_by: 30m, resolve_by: 8h}
      - {tier: 3, team: vendors, respond_by: 1h, resolve_by: 24h}
"#;

const RULES: &str = r#"
rules:
  - {name: province-link, match: 'alertname="LinkDown"', by: [device], title: "{site} {device} 链路中断", notify_delay: 0s, group: false}
  - {name: province-fault, match: 'alertname="DeviceFault"', by: [device], title: "{site} {device} 故障", notify_delay: 0s, group: false}
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estate_has_what_the_documents_count() {
        let province = Province::build(1);
        assert_eq!(province, Province::build(1));
        assert_ne!(province.items, Province::build(2).items);
        for (class, count) in [
            ("client", CLIENTS),
            ("printer", PRINTERS),
            ("server", SERVERS),
            ("minicomputer", MINICOMPUTERS),
            ("storage", STORAGES),
            ("network", NETWORK),
            ("application", APPLICATIONS),
        ] {
            assert_eq!(province.count(class), count, "{class}");
        }
        assert_eq!(province.sites.len(), 1 + 17 + OFFICES + BRIGADES);
        assert_eq!(STAFF, 12);
    }
}
