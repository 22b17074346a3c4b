// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"

#include <cstddef>
#include <string>
#include <vector>

// What tracefs gave: format files, and pages of trace_pipe_raw without the zeros at their ends.
namespace pmend::worker::recorded {

// Of Linux 6.12 (Debian) on x86-64.
inline constexpr const char* kHeaderPage = R"(	field: u64 timestamp;	offset:0;	size:8;	signed:0;
	field: local_t commit;	offset:8;	size:8;	signed:1;
	field: int overwrite;	offset:8;	size:1;	signed:1;
	field: char data;	offset:16;	size:4080;	signed:0;
)";
inline constexpr const char* kMemoryFailureFormat = R"(name: memory_failure_event
ID: 1347
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:unsigned long pfn;	offset:8;	size:8;	signed:0;
	field:int type;	offset:16;	size:4;	signed:1;
	field:int result;	offset:20;	size:4;	signed:1;

print fmt: "pfn %#lx: recovery action for %s: %s", REC->pfn, __print_symbolic(REC->type, { 0, "reserved kernel page" }, { 1, "high-order kernel page" }, { 3, "huge page" }, { 4, "free huge page" }, { 5, "get hwpoison page" }, { 6, "unmapping failed page" }, { 7, "dirty swapcache page" }, { 8, "clean swapcache page" }, { 9, "dirty mlocked LRU page" }, { 10, "clean mlocked LRU page" }, { 11, "dirty unevictable LRU page" }, { 12, "clean unevictable LRU page" }, { 13, "dirty LRU page" }, { 14, "clean LRU page" }, { 15, "already truncated LRU page" }, { 16, "free buddy page" }, { 17, "dax page" }, { 18, "unsplit thp" }, { 19, "already poisoned" }, { 20, "unknown page" }), __print_symbolic(REC->result, { 0, "Ignored" }, { 1, "Failed" }, { 2, "Delayed" }, { 3, "Recovered" })
)";
inline constexpr const char* kMachineCheckFormat = R"(name: mce_record
ID: 113
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:u64 mcgcap;	offset:8;	size:8;	signed:0;
	field:u64 mcgstatus;	offset:16;	size:8;	signed:0;
	field:u64 status;	offset:24;	size:8;	signed:0;
	field:u64 addr;	offset:32;	size:8;	signed:0;
	field:u64 misc;	offset:40;	size:8;	signed:0;
	field:u64 synd;	offset:48;	size:8;	signed:0;
	field:u64 ipid;	offset:56;	size:8;	signed:0;
	field:u64 ip;	offset:64;	size:8;	signed:0;
	field:u64 tsc;	offset:72;	size:8;	signed:0;
	field:u64 ppin;	offset:80;	size:8;	signed:0;
	field:u64 walltime;	offset:88;	size:8;	signed:0;
	field:u32 cpu;	offset:96;	size:4;	signed:0;
	field:u32 cpuid;	offset:100;	size:4;	signed:0;
	field:u32 apicid;	offset:104;	size:4;	signed:0;
	field:u32 socketid;	offset:108;	size:4;	signed:0;
	field:u8 cs;	offset:112;	size:1;	signed:0;
	field:u8 bank;	offset:113;	size:1;	signed:0;
	field:u8 cpuvendor;	offset:114;	size:1;	signed:0;
	field:u32 microcode;	offset:116;	size:4;	signed:0;

print fmt: "CPU: %d, MCGc/s: %llx/%llx, MC%d: %016Lx, IPID: %016Lx, ADDR: %016Lx, MISC: %016Lx, SYND: %016Lx, RIP: %02x:<%016Lx>, TSC: %llx, PPIN: %llx, vendor: %u, CPUID: %x, time: %llu, socket: %u, APIC: %x, microcode: %x", REC->cpu, REC->mcgcap, REC->mcgstatus, REC->bank, REC->status, REC->ipid, REC->addr, REC->misc, REC->synd, REC->cs, REC->ip, REC->tsc, REC->ppin, REC->cpuvendor, REC->cpuid, REC->walltime, REC->socketid, REC->apicid, REC->microcode
)";
// Of Linux 6.18.
inline constexpr const char* kBlockErrorFormat = R"(name: block_rq_error
ID: 2106
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:dev_t dev;	offset:8;	size:4;	signed:0;
	field:sector_t sector;	offset:16;	size:8;	signed:0;
	field:unsigned int nr_sector;	offset:24;	size:4;	signed:0;
	field:int error;	offset:28;	size:4;	signed:1;
	field:unsigned short ioprio;	offset:32;	size:2;	signed:0;
	field:char rwbs[10];	offset:34;	size:10;	signed:0;
	field:__data_loc char[] cmd;	offset:44;	size:4;	signed:0;

print fmt: "%d,%d %s (%s) %llu + %u %s,%u,%u [%d]", ((unsigned int) ((REC->dev) >> 20)), ((unsigned int) ((REC->dev) & ((1U << 20) - 1))), REC->rwbs, __get_str(cmd), (unsigned long long)REC->sector, REC->nr_sector, __print_symbolic((((REC->ioprio) >> 13) & (8 - 1)), { IOPRIO_CLASS_NONE, "none" }, { IOPRIO_CLASS_RT, "rt" }, { IOPRIO_CLASS_BE, "be" }, { IOPRIO_CLASS_IDLE, "idle" }, { IOPRIO_CLASS_INVALID, "invalid"}), (((REC->ioprio) >> 3) & ((1 << 10) - 1)), ((REC->ioprio) & ((1 << 3) - 1)), REC->error
)";
// Made by hand: the fields that are read, of those that cxl_poison has.
inline constexpr const char* kCxlPoisonFormat = R"(name: cxl_poison
ID: 1500
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:__data_loc char[] memdev;	offset:8;	size:4;	signed:0;
	field:u8 trace_type;	offset:12;	size:1;	signed:0;
	field:u64 hpa;	offset:16;	size:8;	signed:0;
	field:u32 dpa_length;	offset:24;	size:4;	signed:0;

print fmt: "memdev=%s", __get_str(memdev)
)";

// One machine check: mce_record and memory_failure_event for the page at 0x40a28000.
inline constexpr const char* kMachineCheckPage =
    "8542af29070000009c00000000000000000000007c000000710000000c0000000a010001000000000500000000000000"
    "c0000000000000bd0080a240000000008c0000000000000000000000000000000000000000000000502ace81ffffffff"
    "38503e86130000000000000000000000b8930a6b0000000000000000b10f060000000000000000001009000001000000"
    "26b87e30430524000c000000280a0400000000001100000003000000";
// Two reads that met one bad sector: of readahead and then of one page, at sector 4096 of 7:0.
inline constexpr const char* kBlockErrorPage =
    "2eeb7830640100007800000000000000bea9e9dc030000000d0000003a0834000e000000000070000000000000100000"
    "0000000008000000fbffffff04405241000000000000000030000100000000002d2e61033a0810000e00000000007000"
    "00000000001000000000000008000000fbffffff0440520000000000000000003000010000000000";

inline constexpr std::size_t kPageSize = 4096;

// The page that these hex digits begin.
inline std::vector<std::byte> page_of(const std::string& hex) {
  std::vector<std::byte> page(kPageSize);
  for (std::size_t i = 0; i < hex.size() / 2; ++i) {
    page.at(i) = static_cast<std::byte>(std::stoul(hex.substr(2 * i, 2), nullptr, 16));
  }
  return page;
}

}  // namespace pmend::worker::recorded
