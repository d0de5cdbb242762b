//! Processor time that was used: by this thread, and by the whole process.
//!
//! `unsafe` for one call of the C library, which the standard library has no way to. It relies on the layout of `timespec`
//! and the numbers of the clocks, which are the same on all systems that it is compiled for.

/// Nanoseconds of processor time of the thread that asks; 0 where the system doesn't tell.
pub fn of_thread() -> u64 {
    clock::read(clock::THREAD)
}

/// Nanoseconds of processor time of all threads of the process together; 0 where the system doesn't tell.
pub fn of_process() -> u64 {
    clock::read(clock::PROCESS)
}

#[cfg(all(any(target_os = "linux", target_os = "macos"), target_pointer_width = "64"))]
mod clock {
    use std::ffi::{c_int, c_long};

    #[cfg(target_os = "linux")]
    pub const PROCESS: c_int = 2;
    #[cfg(target_os = "linux")]
    pub const THREAD: c_int = 3;
    #[cfg(target_os = "macos")]
    pub const PROCESS: c_int = 12;
    #[cfg(target_os = "macos")]
    pub const THREAD: c_int = 16;

    /// One that Miri has, too.
    #[cfg(all(test, target_os = "linux"))]
    pub const MONOTONIC: c_int = 1;

    /// `struct timespec`, where both its fields have 64 bits.
    #[repr(C)]
    struct Moment {
        seconds: c_long,
        nanoseconds: c_long,
    }

    unsafe extern "C" {
        /// Of the C library, which the standard library is linked to anyway. `clockid_t` is an `int` on these systems.
        fn clock_gettime(clock: c_int, moment: *mut Moment) -> c_int;
    }

    pub fn read(clock: c_int) -> u64 {
        let mut moment = Moment { seconds: 0, nanoseconds: 0 };
        // SAFETY: the pointer is to a value of our own with the layout of the C library's; it is written to during the call
        // and not kept. A clock that isn't there is an error.
        let failed = unsafe { clock_gettime(clock, &mut moment) } != 0;
        if failed { 0 } else { moment.seconds as u64 * 1_000_000_000 + moment.nanoseconds as u64 }
    }
}

#[cfg(not(all(any(target_os = "linux", target_os = "macos"), target_pointer_width = "64")))]
mod clock {
    pub const PROCESS: i32 = 0;
    pub const THREAD: i32 = 0;

    pub fn read(_clock: i32) -> u64 {
        0
    }
}

#[cfg(all(test, target_os = "linux", target_pointer_width = "64"))]
mod tests {
    use std::time::Instant;

    #[test]
    #[cfg_attr(miri, ignore = "Miri has neither of these clocks")]
    fn work_takes_time_of_its_thread_and_of_the_process() {
        let (process, thread) = (super::of_process(), super::of_thread());
        let mut sum = 0u64;
        while super::of_thread() < thread + 1_000_000 {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(super::of_process() >= process + 1_000_000);
    }

    #[test]
    fn a_clock_is_read_in_nanoseconds() {
        let read = || super::clock::read(super::clock::MONOTONIC);
        // The standard library reads the same clock: around, and in between.
        let outer = Instant::now();
        let first = read();
        let inner = Instant::now();
        while inner.elapsed().as_millis() < 1 {}
        let inner = inner.elapsed().as_nanos() as u64;
        let passed = read() - first;
        let outer = outer.elapsed().as_nanos() as u64;
        assert!((inner..=outer).contains(&passed), "{passed} ns, not {inner} to {outer}");
    }

    #[test]
    fn a_clock_that_is_not_there_tells_nothing() {
        assert_eq!(super::clock::read(1_000), 0);
    }
}
