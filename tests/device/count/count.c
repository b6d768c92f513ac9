/* A QEMU plugin that counts the instructions a program executes: exactly, and the same in every run.
 *
 * Arguments (after the file, separated by commas):
 *   out=FILE    what was counted is written here: "total N", then "mark N" (the total so far) for every call of mark()
 *   mark=ADDR   address of mark(), hexadecimal
 *   code=ADDR,bytes=N   addresses whose instructions are counted one by one; adds "at ADDR N" for each that ran
 *   inside=ADDR,inside_bytes=N   a function that is called once; adds "in ADDR N" for each of its instructions: all
 * that was executed from there until it went on, the functions that it called included aligned=1   also "misaligned
 * ADDR ACCESS": the first instruction that accessed memory at an odd place, and where. A Cortex-M0+ faults on that, and
 * a small RISC-V traps; the emulator lets it pass.
 *
 * QEMU in Debian and Ubuntu loads plugins but ships no header, so what is used of its interface, version 1 (QEMU 4.2 to
 * 8.2), is declared here. The counts live in the translated code: an instruction costs an addition or two, not a call.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t PluginId;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { kAddUint64 = 0, kNoRegisters = 0, kReadOrWrite = 3 };

typedef void (*TranslateFn)(PluginId, struct qemu_plugin_tb*);
typedef void (*ExecuteFn)(unsigned cpu, void* data);
typedef void (*AccessFn)(unsigned cpu, uint32_t access, uint64_t address, void* data);
typedef void (*ExitFn)(PluginId, void* data);

void qemu_plugin_register_vcpu_tb_trans_cb(PluginId, TranslateFn);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn*, ExecuteFn, int registers, void* data);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn*, int op, void* counter, uint64_t add);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn*, AccessFn, int registers, int direction, void* data);
unsigned qemu_plugin_mem_size_shift(uint32_t access);
void qemu_plugin_register_atexit_cb(PluginId, ExitFn, void* data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb*);
struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb*, size_t);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn*);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;
__attribute__((visibility("default"))) int qemu_plugin_install(PluginId id, const void* info, int argc, char** argv);

static FILE* out;
static uint64_t total;
static uint64_t mark_address = UINT64_MAX;
static uint64_t code_start;
static uint64_t code_bytes;
static uint64_t inside_start;
static uint64_t inside_bytes;
static uint64_t* inside;      /* per two bytes of the function */
static uint64_t* inside_last; /* where the function went last, NULL before it was entered */
static uint64_t inside_since; /* the total at that time */
static int want_aligned;
static int misaligned;
static uint64_t* executed; /* per two bytes of code: instructions start at even addresses */

/* data: the counter of the instruction that is about to run, NULL outside of the function. */
static void on_inside(unsigned cpu, void* data) {
  (void)cpu;
  if (inside_last != NULL) *inside_last += total - inside_since;
  inside_last = data;
  inside_since = total;
}

static void on_mark(unsigned cpu, void* data) {
  (void)data;
  on_inside(cpu, NULL); /* the function is at its end, if it ended in a jump to another one */
  fprintf(out, "mark %" PRIu64 "\n", total);
}

/* data: the address of the instruction. */
static void on_access(unsigned cpu, uint32_t access, uint64_t address, void* data) {
  (void)cpu;
  const uint64_t low_bits = (UINT64_C(1) << qemu_plugin_mem_size_shift(access)) - 1;
  if ((address & low_bits) == 0 || misaligned) return;
  misaligned = 1;
  fprintf(out, "misaligned %" PRIxPTR " %" PRIx64 "\n", (uintptr_t)data, address);
}

static void on_translate(PluginId id, struct qemu_plugin_tb* block) {
  (void)id;
  const size_t count = qemu_plugin_tb_n_insns(block);
  for (size_t i = 0; i < count; i++) {
    struct qemu_plugin_insn* insn = qemu_plugin_tb_get_insn(block, i);
    const uint64_t address = qemu_plugin_insn_vaddr(insn);
    if (address == mark_address) qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, kNoRegisters, NULL);
    if (address - inside_start < inside_bytes) {
      uint64_t* counter = &inside[(address - inside_start) / 2];
      qemu_plugin_register_vcpu_insn_exec_cb(insn, on_inside, kNoRegisters, counter);
    }
    qemu_plugin_register_vcpu_insn_exec_inline(insn, kAddUint64, &total, 1);
    if (want_aligned) {
      qemu_plugin_register_vcpu_mem_cb(insn, on_access, kNoRegisters, kReadOrWrite, (void*)(uintptr_t)address);
    }
    const uint64_t offset = address - code_start;
    if (offset < code_bytes) {
      qemu_plugin_register_vcpu_insn_exec_inline(insn, kAddUint64, &executed[offset / 2], 1);
    }
  }
}

static void print_counters(const char* kind, uint64_t start, uint64_t bytes, const uint64_t* counters) {
  for (uint64_t i = 0; i < bytes / 2; i++) {
    if (counters[i] != 0) fprintf(out, "%s %" PRIx64 " %" PRIu64 "\n", kind, start + 2 * i, counters[i]);
  }
}

static void on_exit_of_qemu(PluginId id, void* data) {
  (void)id;
  (void)data;
  fprintf(out, "total %" PRIu64 "\n", total);
  print_counters("at", code_start, code_bytes, executed);
  print_counters("in", inside_start, inside_bytes, inside);
  fclose(out);
}

/* The text after "key=", NULL when the argument is another one. */
static const char* value_of(const char* argument, const char* key) {
  const size_t length = strlen(key);
  return strncmp(argument, key, length) == 0 && argument[length] == '=' ? argument + length + 1 : NULL;
}

int qemu_plugin_install(PluginId id, const void* info, int argc, char** argv) {
  (void)info;
  for (int i = 0; i < argc; i++) {
    const char* value;
    if ((value = value_of(argv[i], "out")) != NULL) out = fopen(value, "w");
    if ((value = value_of(argv[i], "mark")) != NULL) mark_address = strtoull(value, NULL, 16);
    if ((value = value_of(argv[i], "code")) != NULL) code_start = strtoull(value, NULL, 16);
    if ((value = value_of(argv[i], "inside")) != NULL) inside_start = strtoull(value, NULL, 16);
    if ((value = value_of(argv[i], "inside_bytes")) != NULL) inside_bytes = strtoull(value, NULL, 10);
    if ((value = value_of(argv[i], "aligned")) != NULL) want_aligned = 1;
    if ((value = value_of(argv[i], "bytes")) != NULL) code_bytes = strtoull(value, NULL, 10);
  }
  executed = calloc(code_bytes / 2 + 1, sizeof *executed);
  inside = calloc(inside_bytes / 2 + 1, sizeof *inside);
  if (out == NULL || executed == NULL || inside == NULL) {
    fprintf(stderr, "count: needs out=FILE, and memory\n");
    return -1;
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
  qemu_plugin_register_atexit_cb(id, on_exit_of_qemu, NULL);
  return 0;
}
