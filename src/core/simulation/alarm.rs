//! Alarms of devices: names, severities and texts, by failure and class of device.

use super::estate::Class;
use crate::core::model::Severity;

/// Every alarm of the simulated estate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alarm {
    BackupFailed,
    BgpPeerDown,
    CertificateExpiring,
    ConfigurationChanged,
    DeviceDown,
    DeviceUnreachable,
    DiskFailure,
    DiskFillingUp,
    FanSpeedLow,
    HardwareFault,
    HealthCheckFailed,
    HighCpu,
    HostDown,
    HostUnreachable,
    InterfaceErrors,
    LinkDown,
    LoginFailed,
    MacFlapping,
    PacketLoss,
    PortSecurityViolation,
    PowerFailure,
    ProcessCrashed,
    RectifierFault,
    RedundancyLost,
    ServiceDown,
    SlowResponses,
    SnmpUnreachable,
    SpanningTreeChanged,
    TemperatureHigh,
}

/// Failure mode of a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Dead,
    Degraded,
}

impl Alarm {
    pub const fn name(self) -> &'static str {
        self.described().0
    }

    pub const fn severity(self) -> Severity {
        self.described().1
    }

    /// The free text, with `{}` for a number that the device adds.
    pub const fn text(self) -> &'static str {
        self.described().2
    }

    const fn described(self) -> (&'static str, Severity, &'static str) {
        use Severity::{Critical, Indeterminate, Major, Minor, Warning};
        match self {
            Alarm::BackupFailed => ("BackupFailed", Warning, "备份失败 backup job {} failed"),
            Alarm::BgpPeerDown => ("BgpPeerDown", Major, "BGP邻居中断 neighbour 10.0.{}.1 went idle"),
            Alarm::CertificateExpiring => ("CertificateExpiring", Warning, "证书将在{}天后到期"),
            Alarm::ConfigurationChanged => {
                ("ConfigurationChanged", Indeterminate, "配置变更 configuration saved, {} lines differ")
            }
            Alarm::DeviceDown => ("DeviceDown", Critical, "设备宕机 no answer to {} polls"),
            Alarm::DeviceUnreachable => ("DeviceUnreachable", Major, "设备脱管 unreachable for {} s"),
            Alarm::DiskFailure => ("DiskFailure", Major, "硬盘故障 slot {} predicted to fail"),
            Alarm::DiskFillingUp => ("DiskFillingUp", Warning, "磁盘将满 {} % used"),
            Alarm::FanSpeedLow => ("FanSpeedLow", Minor, "风扇转速低 {} rpm"),
            Alarm::HardwareFault => ("HardwareFault", Critical, "板卡故障 slot {} failed its self-test"),
            Alarm::HealthCheckFailed => ("HealthCheckFailed", Minor, "健康检查失败 status 50{}"),
            Alarm::HighCpu => ("HighCpu", Warning, "CPU使用率过高 {} %"),
            Alarm::HostDown => ("HostDown", Critical, "主机宕机 heartbeat missing for {} s"),
            Alarm::HostUnreachable => ("HostUnreachable", Major, "主机不可达 {} pings lost"),
            Alarm::InterfaceErrors => ("InterfaceErrors", Warning, "端口误码 {} errors"),
            Alarm::LinkDown => ("LinkDown", Major, "链路中断 carrier lost, {} transitions"),
            Alarm::LoginFailed => ("LoginFailed", Warning, "登录失败 {} times"),
            Alarm::MacFlapping => ("MacFlapping", Warning, "MAC漂移 vlan {}"),
            Alarm::PacketLoss => ("PacketLoss", Minor, "丢包 {} % lost"),
            Alarm::PortSecurityViolation => ("PortSecurityViolation", Indeterminate, "端口安全 {} unknown addresses"),
            Alarm::PowerFailure => ("PowerFailure", Critical, "市电中断 on batteries, {} min left"),
            Alarm::ProcessCrashed => ("ProcessCrashed", Major, "进程异常退出 signal {}"),
            Alarm::RectifierFault => ("RectifierFault", Major, "整流模块故障 module {}"),
            Alarm::RedundancyLost => ("RedundancyLost", Minor, "冗余丢失 {} of 2 uplinks left"),
            Alarm::ServiceDown => ("ServiceDown", Critical, "服务中断 no listener on port {}"),
            Alarm::SlowResponses => ("SlowResponses", Minor, "响应缓慢 p99 {} ms"),
            Alarm::SnmpUnreachable => ("SnmpUnreachable", Minor, "SNMP超时 {} timeouts"),
            Alarm::SpanningTreeChanged => ("SpanningTreeChanged", Indeterminate, "生成树变化 topology change {}"),
            Alarm::TemperatureHigh => ("TemperatureHigh", Warning, "温度过高 {} °C"),
        }
    }

    /// Alarms of a root of that class about itself.
    pub const fn of_root(class: Class, mode: Mode) -> &'static [Alarm] {
        match (class, mode) {
            (Class::Core | Class::Aggregation | Class::Router | Class::Switch, Mode::Dead) => {
                &[Alarm::DeviceDown, Alarm::HardwareFault, Alarm::DeviceUnreachable]
            }
            (Class::Core | Class::Aggregation | Class::Router | Class::Switch, Mode::Degraded) => {
                &[Alarm::InterfaceErrors, Alarm::HighCpu, Alarm::PacketLoss]
            }
            (Class::Power, Mode::Dead) => &[Alarm::PowerFailure],
            (Class::Power, Mode::Degraded) => &[Alarm::RectifierFault],
            (Class::Host, Mode::Dead) => &[Alarm::HostDown, Alarm::HostUnreachable],
            (Class::Host, Mode::Degraded) => &[Alarm::DiskFailure, Alarm::HighCpu],
            (Class::Service, Mode::Dead) => &[Alarm::ServiceDown, Alarm::ProcessCrashed],
            (Class::Service, Mode::Degraded) => &[Alarm::SlowResponses],
        }
    }

    /// Alarms of a device of that class after the failure of its dependency: always the first, sometimes the second.
    pub const fn of_symptom(class: Class, mode: Mode) -> [Alarm; 2] {
        match (class, mode) {
            (Class::Core | Class::Aggregation | Class::Router, Mode::Dead) => {
                [Alarm::DeviceUnreachable, Alarm::BgpPeerDown]
            }
            (Class::Switch | Class::Power, Mode::Dead) => [Alarm::DeviceUnreachable, Alarm::SnmpUnreachable],
            (Class::Host, Mode::Dead) => [Alarm::HostUnreachable, Alarm::SnmpUnreachable],
            (Class::Service, Mode::Dead) => [Alarm::ServiceDown, Alarm::HealthCheckFailed],
            (Class::Core | Class::Aggregation | Class::Router | Class::Switch | Class::Power, Mode::Degraded) => {
                [Alarm::PacketLoss, Alarm::BgpPeerDown]
            }
            (Class::Host, Mode::Degraded) => [Alarm::PacketLoss, Alarm::HighCpu],
            (Class::Service, Mode::Degraded) => [Alarm::SlowResponses, Alarm::HealthCheckFailed],
        }
    }

    /// Noise that no cascade makes.
    pub const fn of_noise() -> &'static [Alarm] {
        &[
            Alarm::BackupFailed,
            Alarm::CertificateExpiring,
            Alarm::ConfigurationChanged,
            Alarm::DiskFillingUp,
            Alarm::FanSpeedLow,
            Alarm::LoginFailed,
            Alarm::TemperatureHigh,
        ]
    }

    /// Alarms of a storm.
    pub const fn of_storm() -> &'static [Alarm] {
        &[Alarm::InterfaceErrors, Alarm::MacFlapping, Alarm::PortSecurityViolation, Alarm::SpanningTreeChanged]
    }
}
