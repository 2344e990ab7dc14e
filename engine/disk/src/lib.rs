//! Files, the kernel and the clock behind one seam, on io_uring or in memory.
