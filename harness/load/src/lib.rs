//! YCSB's generators, workloads and the closed-loop driver.
