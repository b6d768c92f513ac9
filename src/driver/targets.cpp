// Predicting what a model costs on a core.
//
// Memory is known: the arena is planned, constants are counted. Code is the sum of the functions that the used kernels
// need, each once, and of the calls in NAME_run, whose arguments are literals. Instructions of a call are
//   per_mac * MACs + per_byte * bytes + per_call
// where bytes are those written, one requantization each, or of calls without MACs those read, with coefficients by
// kernel and core; weights that it unpacks come on top, each at the same price (target_streams.inc). Both tables are
// measured, by `python3 bench/targets.py`, and lie in target_code.inc and target_speed.inc; what a kernel is not
// measured for is taken from a kernel like it. Inlining and specialization by the compiler move code by some percent of
// itself, which is a small part of a model with its constants.
#include "tinyc/driver/targets.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "tinyc/base/error.h"
#include "tinyc/base/text.h"
#include "tinyc/driver/inspect.h"

namespace tinyc {
namespace {

constexpr size_t kTargetCount = 7;
constexpr TargetDef kTargets[kTargetCount] = {
    {"cortex-m0plus", "portable C, no high multiply", "-mcpu=cortex-m0plus -mthumb"},
    {"cortex-m3", "portable C", "-mcpu=cortex-m3 -mthumb"},
    {"cortex-m4", "16-bit pairs (DSP)", "-mcpu=cortex-m4 -mthumb"},
    {"cortex-m7", "16-bit pairs (DSP)", "-mcpu=cortex-m7 -mthumb"},
    {"cortex-m33", "16-bit pairs (DSP)", "-mcpu=cortex-m33 -mthumb"},
    {"cortex-m55", "vectors (MVE)", "-mcpu=cortex-m55 -mthumb -mfloat-abi=hard"},
    {"rv32imac", "portable C", "-march=rv32imac -mabi=ilp32"},
};
constexpr const TargetDef* kTargetList[kTargetCount] = {&kTargets[0], &kTargets[1], &kTargets[2], &kTargets[3],
                                                        &kTargets[4], &kTargets[5], &kTargets[6]};

using Bytes = std::array<int16_t, kTargetCount>;

// Bytes of a function by target; 0: not there, or always inlined.
struct FunctionCode {
  std::string_view name;
  bool can_be_inlined;
  Bytes bytes;
};
// The functions that a kernel's calls bring in, separated by spaces, and what each call takes in NAME_run.
struct KernelCode {
  std::string_view name;
  std::string_view functions;
  Bytes call;
};
// What is left of a function that is called once, and so becomes a part of its caller.
constexpr int64_t kInlinedPercent = 50;
constexpr int64_t kRunBytes = 24;  // entry and exit of NAME_run
// NAME_check, where there are coded weights, and its part for each stream.
constexpr int64_t kCheckBytes = 56;
constexpr int64_t kCheckStreamBytes = 16;

#include "driver/target_code.inc"

// Coefficients by target, in thousandths of an instruction.
struct Speed {
  std::array<int32_t, kTargetCount> per_mac, per_byte, per_call;
};
struct KernelSpeed {
  std::string_view kernel;
  Speed speed;
};

#include "driver/target_speed.inc"
#include "driver/target_streams.inc"

// Kernels that only unpack or decode weights first, and those that they call then.
constexpr std::pair<std::string_view, std::string_view> kPackedKernels[] = {
    {"tc_conv_packed_s8", "tc_conv_s8"},           {"tc_conv_coded_s8", "tc_conv_s8"},
    {"tc_dense_packed_s8", "tc_dense_s8"},         {"tc_dense_coded_s8", "tc_dense_s8"},
    {"tc_pointwise_packed_s8", "tc_pointwise_s8"}, {"tc_pointwise_coded_s8", "tc_pointwise_s8"},
};
constexpr std::string_view kUnpackFile = "unpack_s8.h";
constexpr std::string_view kDecodeKernel = "tc_decode_s8";
constexpr Speed kNothing = {};

// What a kernel takes that nobody has measured, as a new one: about what the others take.
constexpr int64_t kUnknownKernelBytes = 400;
constexpr int64_t kUnknownCallBytes = 80;
constexpr Speed kUnknownSpeed = {{25000, 8000, 4000, 4000, 4000, 1500, 8000},
                                 {40000, 20000, 12000, 12000, 12000, 4000, 20000},
                                 {400000, 300000, 200000, 200000, 200000, 200000, 300000}};

size_t column_of(const TargetDef& target) {
  return static_cast<size_t>(&target - kTargets);
}

// `uses`: calls of kernels that bring it in.
int64_t function_bytes(std::string_view name, int uses, size_t target) {
  const auto found =
      std::find_if(std::begin(kFunctions), std::end(kFunctions), [&](const FunctionCode& f) { return f.name == name; });
  if (found == std::end(kFunctions)) return kUnknownKernelBytes;
  const int64_t percent = uses == 1 && found->can_be_inlined ? kInlinedPercent : 100;
  return found->bytes[target] * percent / 100;
}

const KernelCode* code_of(std::string_view kernel) {
  const auto found =
      std::find_if(std::begin(kKernels), std::end(kKernels), [&](const KernelCode& k) { return k.name == kernel; });
  return found == std::end(kKernels) ? nullptr : &*found;
}

// Calls that compute nothing: they bring weights back to bytes.
bool only_unpacks(const KernelCall& call) {
  return call.kernel->file == kUnpackFile || call.kernel->name == kDecodeKernel || call.decoded > 0;
}

// Thousandths of an instruction.
int64_t unpacking(const KernelCall& call, size_t target) {
  int64_t cost = kUnpackRun[target] * call.unpacked_runs + kUnpackBlock[target] * call.unpacked_blocks;
  for (const DecoderSpeed& decoder : kDecoders) {
    if (decoder.kernel != call.kernel->name) continue;
    cost += decoder.per_weight[target] * call.decoded + decoder.per_byte[target] * call.decoded_bytes;
  }
  return cost;
}

// Thousandths of an instruction of a call that computes with a stream.
int64_t streaming(const KernelCall& call, int64_t written, size_t target) {
  for (const StreamSpeed& speed : kStreamSpeeds) {
    if (speed.kernel != call.kernel->name) continue;
    return speed.per_product[target] * call.multiplied + speed.per_staged[target] * call.staged +
           speed.per_written[target] * written;
  }
  return 0;
}

const Speed& speed_of(const KernelCall& call) {
  const KernelDef& def = *call.kernel;
  if (only_unpacks(call) || call.multiplied > 0) return kNothing;
  const auto packed = std::find_if(std::begin(kPackedKernels), std::end(kPackedKernels),
                                   [&](const auto& pair) { return pair.first == def.name; });
  const std::string_view kernel = packed == std::end(kPackedKernels) ? def.name : packed->second;
  const auto found =
      std::find_if(std::begin(kSpeeds), std::end(kSpeeds), [&](const KernelSpeed& s) { return s.kernel == kernel; });
  return found == std::end(kSpeeds) ? kUnknownSpeed : found->speed;
}

int64_t predict_code(const DeviceProgram& program, size_t target) {
  std::map<std::string_view, int> uses;
  int64_t bytes = kRunBytes;
  for (const KernelCall& call : program.calls) {
    const KernelCode* code = code_of(call.kernel->name);
    bytes += code != nullptr ? code->call[target] : kUnknownCallBytes;
    std::string_view rest = code != nullptr ? code->functions : call.kernel->name;
    while (!rest.empty()) {
      const size_t end = std::min(rest.find(' '), rest.size());
      ++uses[rest.substr(0, end)];
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  for (const auto& [function, count] : uses) bytes += function_bytes(function, count, target);
  const auto streams = std::count_if(program.constants.begin(), program.constants.end(), [](const DeviceConstant& c) {
    return !c.form.coding.empty() && c.data.dtype() == DataType::kUint8;
  });
  return bytes + (streams > 0 ? kCheckBytes + kCheckStreamBytes * streams : 0);
}

// Bytes of the arena that hold something alive at this call.
int64_t bytes_in_use(const DeviceProgram& program, size_t call) {
  std::vector<std::pair<int64_t, int64_t>> ranges;
  for (const DeviceBuffer& buffer : program.buffers) {
    const bool alive = buffer.first_call <= call && call <= buffer.last_call;
    if (buffer.home != DeviceBuffer::Home::kArena || buffer.bytes == 0 || !alive) continue;
    ranges.emplace_back(buffer.offset, buffer.offset + buffer.bytes);
  }
  std::sort(ranges.begin(), ranges.end());
  int64_t total = 0;
  int64_t covered = 0;
  for (const auto& [from, to] : ranges) {
    total += std::max<int64_t>(to - std::max(from, covered), 0);
    covered = std::max(covered, to);
  }
  return total;
}

int64_t bytes_of(const DeviceProgram& program, const KernelCall& call, CallArg::Kind kind) {
  int64_t bytes = 0;
  for (const CallArg& arg : call.args) {
    if (arg.kind == kind) bytes += program.buffers[arg.id].bytes;
  }
  return bytes;
}

// MACs are done by the call that has most constants: a product; the node's other calls move or unpack bytes.
size_t call_with_weights(const DeviceProgram& program, size_t node) {
  size_t best = program.calls.size();
  int64_t most = -1;
  for (size_t i = 0; i < program.calls.size(); ++i) {
    if (program.calls[i].node != node || only_unpacks(program.calls[i])) continue;
    int64_t bytes = 0;
    for (const CallArg& arg : program.calls[i].args) {
      if (arg.kind == CallArg::Kind::kConstant)
        bytes += static_cast<int64_t>(program.constants[arg.id].data.byte_size());
    }
    if (bytes > most) best = i;
    most = std::max(most, bytes);
  }
  return best;
}

void add_constants(const DeviceProgram& program, const KernelCall& call, std::set<uint32_t>& seen, LayerCost& layer) {
  for (const CallArg& arg : call.args) {
    if (arg.kind != CallArg::Kind::kConstant || !seen.insert(arg.id).second) continue;
    const DeviceConstant& constant = program.constants[arg.id];
    layer.constant_bytes += static_cast<int64_t>(constant.data.byte_size());
    if (constant.form.coding.empty()) continue;
    if (layer.coding.find(constant.form.coding) == std::string::npos) {  // directions may differ
      layer.coding += (layer.coding.empty() ? "" : ", ") + std::string(constant.form.coding);
    }
    layer.parts += constant.form.parts;
    layer.entropy_bytes += static_cast<int64_t>(std::ceil(constant.form.entropy_bits / 8));
  }
}

// By node of the program: the node of the graph that it comes from. The program's graph may have nodes of its own,
// which count for the one before.
std::vector<size_t> find_owners(const DeviceProgram& program, const Graph& graph) {
  std::map<std::string, size_t, std::less<>> by_title;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    by_title.emplace(graph.nodes[i].name + " (" + op_name(graph.nodes[i]) + ")", i);
  }
  std::vector<size_t> owners;
  for (const std::string& title : program.nodes) {
    const auto found = by_title.find(title);
    const size_t before = owners.empty() ? 0 : owners.back();
    owners.push_back(found != by_title.end() ? found->second : before);
  }
  return owners;
}

}  // namespace

std::span<const TargetDef* const> all_targets() {
  return kTargetList;
}

const TargetDef& require_target(std::string_view name) {
  std::vector<std::string_view> names;
  for (const TargetDef& target : kTargets) {
    if (target.name == name) return target;
    names.push_back(target.name);
  }
  throw Error(ErrorKind::kUsage, "target '" + std::string(name) + "' is not known", spelling_hint(name, names));
}

DeviceCost predict_cost(const DeviceProgram& program, const Graph& graph, const TargetDef& def) {
  const size_t target = column_of(def);
  const ModelSummary summary = summarize(graph);
  DeviceCost cost;
  cost.target = def.name;
  cost.arena_bytes = program.arena_bytes;
  cost.code_bytes = predict_code(program, target);
  for (const DeviceConstant& constant : program.constants) {
    cost.constant_bytes += static_cast<int64_t>(constant.data.byte_size());
  }
  std::vector<int64_t> thousandths(graph.nodes.size(), 0);
  for (const Node& node : graph.nodes) {
    LayerCost& layer = cost.layers.emplace_back();
    layer.layer = node.name;
  }
  const std::vector<size_t> owners = find_owners(program, graph);
  std::set<uint32_t> seen;
  for (size_t i = 0; i < program.calls.size(); ++i) {
    const KernelCall& call = program.calls[i];
    const Speed& speed = speed_of(call);
    const bool is_product = i == call_with_weights(program, call.node);
    const int64_t read = bytes_of(program, call, CallArg::Kind::kRead);
    const int64_t written = bytes_of(program, call, CallArg::Kind::kWrite);
    const size_t owner = owners[call.node];
    LayerCost& layer = cost.layers[owner];
    if (is_product) {
      layer.kernel = call.kernel->name;
      layer.macs = summary.layers[owner].macs;
    }
    const bool has_macs = is_product && layer.macs > 0;
    thousandths[owner] += speed.per_call[target] + speed.per_byte[target] * (has_macs ? written : read);
    thousandths[owner] += unpacking(call, target) + streaming(call, written, target);
    if (is_product) thousandths[owner] += speed.per_mac[target] * layer.macs;
    layer.input_bytes += read;
    layer.output_bytes += written;
    layer.ram_bytes = std::max(layer.ram_bytes, bytes_in_use(program, i));
    add_constants(program, call, seen, layer);
  }
  for (size_t i = 0; i < cost.layers.size(); ++i) {
    cost.layers[i].instructions = thousandths[i] / 1000;
    cost.instructions += cost.layers[i].instructions;
  }
  return cost;
}

std::string heaviest_layers(const DeviceCost& cost, int64_t LayerCost::*bytes) {
  constexpr size_t kNamed = 3;
  std::vector<const LayerCost*> layers;
  for (const LayerCost& layer : cost.layers) {
    if (layer.*bytes > 0) layers.push_back(&layer);
  }
  std::stable_sort(layers.begin(), layers.end(),
                   [&](const LayerCost* a, const LayerCost* b) { return a->*bytes > b->*bytes; });
  std::vector<std::string> parts;
  for (size_t i = 0; i < std::min(kNamed, layers.size()); ++i) {
    parts.push_back("'" + layers[i]->layer + "' (" + std::to_string(layers[i]->*bytes) + ")");
  }
  return join(parts, ", ");
}

}  // namespace tinyc
