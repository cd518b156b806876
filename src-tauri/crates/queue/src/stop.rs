//! Why an attempt has to stop.

/// Why an attempt has to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Stop {
    None,
    Pause,
    Cancel,
    /// The program ends in good order.
    Shutdown,
    /// It has taken more active time than its kind allows.
    Deadline,
    /// Another claim has taken the job over: nothing may be written any more.
    Lost,
}

impl Stop {
    const ALL: [Self; 6] =
        [Self::None, Self::Pause, Self::Cancel, Self::Shutdown, Self::Deadline, Self::Lost];

    /// The one that was written down as this number.
    pub fn of(number: u8) -> Self {
        Self::ALL[usize::from(number)]
    }

    /// What a step is told of it.
    pub fn reason(self) -> Option<StopReason> {
        match self {
            Self::None => None,
            Self::Pause => Some(StopReason::Pause),
            Self::Cancel => Some(StopReason::Cancel),
            Self::Shutdown => Some(StopReason::Quit),
            Self::Deadline => Some(StopReason::Deadline),
            Self::Lost => Some(StopReason::TakenOver),
        }
    }
}

/// Why a step is asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StopReason {
    /// The job is to pause: it goes on later, perhaps in this very process.
    Pause,
    /// The job is given up; undos follow.
    Cancel,
    /// The program ends in good order. The job goes on at the next start.
    Quit,
    /// The job has taken more active time than its kind allows.
    Deadline,
    /// Another process has taken the job over; nothing that is written counts any more.
    TakenOver,
}
