//! The global allocator: very large allocations are lazily backed reservations.
//!
//! The wire decoder allocates what a request's array length declares, before it looks for the
//! elements: four bytes may ask for hundreds of gigabytes. Here such an allocation is a mapping of
//! address space without reserve (`MAP_NORESERVE`): a page costs memory when it is written to,
//! which takes input. The decoder then runs out of input instead of the process out of memory.
//! Knows nothing of requests. Under `vm.overcommit_memory=2` the kernel ignores the flag.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;

/// Allocations of at least this many bytes are mappings of their own.
pub const LAZY_BYTES: usize = 64 << 20;

/// A page on every platform that we run on; mappings are aligned to at least this.
const PAGE: usize = 4096;

/// The system's allocator below [`LAZY_BYTES`], reservations from there up.
pub struct LazyAlloc;

fn is_lazy(size: usize, align: usize) -> bool {
    size >= LAZY_BYTES && align <= PAGE
}

fn reserve(size: usize) -> *mut u8 {
    // SAFETY: an anonymous private mapping at an address of the kernel's choice affects nothing.
    let address = unsafe {
        libc::mmap(
            ptr::null_mut(),
            size,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if address == libc::MAP_FAILED { ptr::null_mut() } else { address.cast() }
}

// SAFETY: which of the two allocators owns a block is a function of its layout alone, which
// the caller gives again to dealloc and realloc; each block is returned to its owner.
unsafe impl GlobalAlloc for LazyAlloc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_lazy(layout.size(), layout.align()) {
            return reserve(layout.size());
        }
        // SAFETY: the caller's promises are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_lazy(layout.size(), layout.align()) {
            return reserve(layout.size()); // a new anonymous mapping reads as zeros
        }
        // SAFETY: the caller's promises are the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if is_lazy(layout.size(), layout.align()) {
            // SAFETY: the block is a whole mapping of this size, made by `reserve` or mremap.
            unsafe { libc::munmap(block.cast(), layout.size()) };
            return;
        }
        // SAFETY: the block came from System, with this layout.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let was_lazy = is_lazy(layout.size(), layout.align());
        let will_be_lazy = is_lazy(new_size, layout.align());
        match (was_lazy, will_be_lazy) {
            // SAFETY: the block came from System, with this layout.
            (false, false) => unsafe { System.realloc(block, layout, new_size) },
            (true, true) => {
                // SAFETY: the block is a whole mapping of `layout.size()` bytes.
                let moved = unsafe {
                    libc::mremap(block.cast(), layout.size(), new_size, libc::MREMAP_MAYMOVE)
                };
                if moved == libc::MAP_FAILED { ptr::null_mut() } else { moved.cast() }
            }
            (true, false) | (false, true) => {
                // SAFETY: new_size is not 0 and does not overflow with this alignment (the
                // caller's promise); the blocks do not overlap and both have the copied length.
                unsafe {
                    let new_layout = Layout::from_size_align_unchecked(new_size, layout.align());
                    let new_block = self.alloc(new_layout);
                    if !new_block.is_null() {
                        ptr::copy_nonoverlapping(block, new_block, layout.size().min(new_size));
                        self.dealloc(block, layout);
                    }
                    new_block
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::LAZY_BYTES;

    /// Resident bytes of this process.
    fn resident() -> usize {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
    }

    #[test]
    fn a_terabyte_that_is_not_written_costs_nothing() {
        let before = resident();
        let mut huge: Vec<u8> = Vec::with_capacity(1 << 40);
        huge.extend_from_slice(b"few");
        assert!(resident() < before + (1 << 30));
        assert_eq!(huge, b"few");
    }

    #[test]
    fn contents_survive_growing_and_shrinking_across_the_boundary() {
        let mut bytes: Vec<u8> = (0..=255).cycle().take(LAZY_BYTES - 10).collect();
        bytes.reserve_exact(20); // system to lazy
        bytes.extend_from_slice(&[7; 20]);
        bytes.reserve_exact(LAZY_BYTES); // lazy to lazy
        bytes.push(9);
        bytes.shrink_to_fit();
        assert!(bytes.iter().zip((0..=255u8).cycle()).take(LAZY_BYTES - 10).all(|(a, b)| *a == b));
        assert_eq!(bytes.len(), LAZY_BYTES + 11);
        assert_eq!(bytes.last(), Some(&9));
        bytes.truncate(1000);
        bytes.shrink_to_fit(); // lazy to system
        assert!(bytes.iter().zip((0..=255u8).cycle()).all(|(a, b)| *a == b));
    }

    #[test]
    fn a_large_zeroed_block_is_zero() {
        assert!(vec![0u8; LAZY_BYTES + 1].iter().all(|byte| *byte == 0));
    }
}
