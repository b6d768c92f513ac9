#include "onnx/graph_builder.h"

#include <algorithm>

#include "onnx/attributes.h"
#include "onnx/tensor_proto.h"
#include "onnx/weights.h"
#include "tinyc/base/error.h"
#include "tinyc/base/text.h"
#include "tinyc/ops/infer.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

constexpr int64_t kMaxNodes = 400'000;
constexpr int kMaxFunctionDepth = 32;
constexpr uint64_t kMaxOpenedBytes = uint64_t{1} << 30;  // of constants in opened functions

std::string_view domain_of(const onnx::NodeProto& proto) {
  return proto.domain() == "ai.onnx" ? std::string_view() : std::string_view(proto.domain());
}

Node make_node(const OpDef* op, std::vector<ValueId> inputs, std::vector<ValueId> outputs,
               AttributeList attributes = {}) {
  Node node;
  node.op = op;
  node.inputs = std::move(inputs);
  node.outputs = std::move(outputs);
  node.attributes = std::move(attributes);
  return node;
}

Value named_value(std::string name) {
  Value value;
  value.name = std::move(name);
  return value;
}

// The name of a node; nodes without one are named after their op.
std::string base_name(const Frame& frame, const onnx::NodeProto& proto) {
  return frame.prefix + (proto.name().empty() ? proto.op_type() : proto.name());
}

int64_t opset_of(const Frame& frame, const onnx::NodeProto& proto) {
  const auto found = frame.opsets.find("");
  if (found == frame.opsets.end()) {
    throw Error(ErrorKind::kModel, "the model imports no opset of ai.onnx, which " + proto.op_type() + " is from");
  }
  return found->second;
}

}  // namespace

GraphBuilder::GraphBuilder(GraphBuilder& outer, Frame& outer_frame)
    : model_(outer.model_), outer_(&outer), outer_frame_(&outer_frame), depth_(outer.depth_ + 1) {
  if (depth_ > kMaxSubgraphDepth) {
    throw Error(ErrorKind::kModel, "subgraphs are nested deeper than " + std::to_string(kMaxSubgraphDepth) + " levels");
  }
  frame_.opsets = outer_frame.opsets;
  frame_.caller = &outer_frame;
}

void GraphBuilder::build(const onnx::GraphProto& proto) {
  graph_.name = proto.name();
  for (const auto& info : proto.value_info()) frame_.declared.emplace(info.name(), &info.type());
  for (const auto& info : proto.output()) frame_.declared.emplace(info.name(), &info.type());
  reserve_names(proto);
  add_initializers(proto);
  add_inputs(proto);
  add_nodes(frame_, proto.node(), -1);
  add_outputs(proto);
}

// Names that the file gives are kept; names made up on the way must not take one that comes later.
void GraphBuilder::reserve_names(const onnx::GraphProto& proto) {
  for (const auto& input : proto.input()) value_names_.take(input.name());
  for (const auto& tensor : proto.initializer()) value_names_.take(tensor.name());
  for (const auto& tensor : proto.sparse_initializer()) value_names_.take(tensor.values().name());
  for (const auto& node : proto.node()) {
    for (const auto& output : node.output()) value_names_.take(output);
    reserved_node_names_.insert(node.name());
  }
}

void GraphBuilder::add_initializers(const onnx::GraphProto& proto) {
  for (const auto& tensor : proto.initializer()) {
    with_context([&] { return "initializer '" + tensor.name() + "'"; },
                 [&] { add_constant(frame_, tensor.name(), to_tensor(tensor, model_.folder)); });
  }
  for (const auto& tensor : proto.sparse_initializer()) {
    with_context([&] { return "initializer '" + tensor.values().name() + "'"; },
                 [&] { add_constant(frame_, tensor.values().name(), to_tensor(tensor, model_.folder)); });
  }
}

// Files of IR version 3 list initializers as inputs too; newer ones may, as a default. They are constants here.
void GraphBuilder::add_inputs(const onnx::GraphProto& proto) {
  for (const auto& input : proto.input()) {
    const auto found = frame_.names.find(input.name());
    if (found != frame_.names.end() && graph_[found->second].constant) continue;
    const ValueId id = define(frame_, input.name());
    read_type(input.type(), model_.dims, graph_[id]);
    DataType& dtype = graph_[id].type.dtype;
    if (dtype == DataType::kUndefined && graph_[id].foreign_type.empty() &&
        graph_.inputs.size() < input_types_.size()) {
      dtype = input_types_[graph_.inputs.size()];
    }
    if (outer_ == nullptr && model_.fixed.fix(graph_[id])) continue;
    graph_.inputs.push_back(id);
  }
}

void GraphBuilder::add_outputs(const onnx::GraphProto& proto) {
  for (const auto& output : proto.output()) {
    with_context([&] { return "output '" + output.name() + "'"; },
                 [&] { graph_.outputs.push_back(resolve_computed(frame_, output.name())); });
  }
}

ValueId GraphBuilder::add_constant(Frame& frame, const std::string& name, Tensor tensor) {
  check_finite(tensor);
  if (frame.function != nullptr) {
    model_.opened_bytes += tensor.byte_size();
    if (model_.opened_bytes > kMaxOpenedBytes) {
      throw Error(ErrorKind::kModel, "function '" + frame.function->name() +
                                         "' is called so often that its constants fill " +
                                         format_bytes(kMaxOpenedBytes));
    }
  }
  const ValueId id = define(frame, name);
  graph_[id].type = tensor.type();
  graph_[id].constant = std::move(tensor);
  return id;
}

void GraphBuilder::add_nodes(Frame& frame, const NodeList& nodes, int origin) {
  for (const int idx : execution_order(nodes)) {
    if (++model_.node_count > kMaxNodes) {
      throw Error(ErrorKind::kModel, "has more than " + std::to_string(kMaxNodes) + " nodes with its functions opened");
    }
    const int place = origin >= 0 ? origin : idx;
    with_context([&] { return describe(nodes[idx], place); }, [&] { add_node(frame, nodes[idx], place); });
  }
}

void GraphBuilder::add_node(Frame& frame, const onnx::NodeProto& proto, int origin) {
  if (const onnx::FunctionProto* function = model_.functions.find(proto)) {
    return open_function(frame, *function, proto, origin);
  }
  if (proto.op_type().empty()) throw Error(ErrorKind::kModel, "does not say its op");
  const std::string_view domain = domain_of(proto);
  if (domain.empty()) {
    if (proto.op_type() == "Constant") return add_constant_node(frame, proto);
    if (has_other_name(proto.op_type(), opset_of(frame, proto))) return add_known(frame, proto, origin);
  }
  return find_op(domain, proto.op_type()) != nullptr ? add_known(frame, proto, origin)
                                                     : add_foreign(frame, proto, origin);
}

void GraphBuilder::add_constant_node(Frame& frame, const onnx::NodeProto& proto) {
  if (proto.output_size() != 1 || proto.attribute_size() != 1) {
    throw Error(ErrorKind::kModel, "has " + std::to_string(proto.output_size()) + " outputs and " +
                                       std::to_string(proto.attribute_size()) + " attributes, expected one of each");
  }
  add_constant(frame, proto.output(0), constant_value(proto.attribute(0), model_.folder));
}

void GraphBuilder::open_function(Frame& frame, const onnx::FunctionProto& function, const onnx::NodeProto& call,
                                 int origin) {
  int depth = 0;
  for (const Frame* at = &frame; at != nullptr; at = at->caller) {
    if (at->function == &function || (at->function != nullptr && ++depth > kMaxFunctionDepth)) {
      throw Error(ErrorKind::kModel,
                  "function '" + function.name() + "' calls itself, or functions are nested too deep");
    }
  }
  if (call.input_size() > function.input_size() || call.output_size() > function.output_size()) {
    throw Error(ErrorKind::kModel, "gives more inputs or outputs than function '" + function.name() + "' has");
  }
  Frame body;
  body.opsets = read_opsets(function.opset_import());
  body.prefix = base_name(frame, call) + "/";
  body.caller = &frame;
  body.function = &function;
  const std::vector<ValueId> inputs = read_inputs(frame, call);
  for (int i = 0; i < function.input_size(); ++i) {
    const auto idx = static_cast<size_t>(i);
    body.names[function.input(i)] = idx < inputs.size() ? inputs[idx] : kNoValue;
  }
  for (int i = 0; i < call.output_size(); ++i) {
    const std::string& name = call.output(i);
    if (name.empty()) continue;
    body.wanted[function.output(i)] = value_name(frame, name);
    const auto declared = frame.declared.find(name);
    if (declared != frame.declared.end()) body.declared[function.output(i)] = declared->second;
  }
  add_nodes(body, bind_body(function, call), origin);
  for (int i = 0; i < call.output_size(); ++i) {
    if (call.output(i).empty()) continue;
    const ValueId made = resolve_computed(body, function.output(i));
    if (graph_[made].name == body.wanted[function.output(i)]) {
      bind_name(frame, call.output(i), made);
      continue;
    }
    // The body hands an input through, or the same value twice.
    push_node(make_node(find_op("", "Identity"), {made}, {define(frame, call.output(i))}), body.prefix + "Identity",
              origin);
  }
}

void GraphBuilder::add_known(Frame& frame, const onnx::NodeProto& proto, int origin) {
  LooseNode loose{.op_type = proto.op_type(), .inputs = read_inputs(frame, proto), .outputs = {}, .attributes = {}};
  for (const auto& attribute : proto.attribute()) {
    if (kind_of(attribute) == onnx::AttributeProto::GRAPH) continue;
    if (!loose.attributes.emplace(attribute.name(), to_attribute(attribute, model_.folder)).second) {
      throw Error(ErrorKind::kModel, "attribute '" + attribute.name() + "' is given twice");
    }
  }
  const std::vector<Capture> captures = build_subgraphs(frame, proto, loose.inputs, loose.attributes);
  loose.outputs = define_outputs(frame, proto);
  const std::string base = base_name(frame, proto);
  if (domain_of(proto).empty()) {
    const auto push_loose = [&](LooseNode made) {
      const ValueId output = graph_.add_value(named_value(value_names_.make(base + "/" + made.op_type)));
      push_node(make_node(find_op("", made.op_type), std::move(made.inputs), {output}, std::move(made.attributes)),
                base + "/" + made.op_type, origin);
      return output;
    };
    const auto push_constant = [&](Tensor tensor) {
      check_finite(tensor);  // it is written as an initializer, which must be so
      Value made = named_value(value_names_.make(base + "/constant"));
      made.type = tensor.type();
      made.constant = std::move(tensor);
      return graph_.add_value(std::move(made));
    };
    const auto value = [&](ValueId id) { return graph_[id]; };
    upgrade(loose, opset_of(frame, proto), {value, push_constant, push_loose});
  }
  Node node = make_node(find_op(domain_of(proto), loose.op_type), std::move(loose.inputs), std::move(loose.outputs),
                        std::move(loose.attributes));
  if (node.op == nullptr) throw Error(ErrorKind::kModel, "becomes " + loose.op_type + ", which tinyc does not have");
  check_attributes(node);
  for (const Capture& capture : captures) node.inputs.push_back(capture.outer);
  node.captures = static_cast<int>(captures.size());
  push_node(std::move(node), base_name(frame, proto), origin);
}

void GraphBuilder::add_foreign(Frame& frame, const onnx::NodeProto& proto, int origin) {
  auto foreign = std::make_shared<Foreign>();
  foreign->domain = std::string(domain_of(proto));
  foreign->op_type = proto.op_type();
  onnx::NodeProto sorted;  // attributes as they will be written: captures are counted in that order
  std::map<std::string_view, const onnx::AttributeProto*> by_name;
  for (const auto& attribute : proto.attribute()) by_name[attribute.name()] = &attribute;
  for (const auto& [name, attribute] : by_name) {
    foreign->attributes.emplace(name, serialize(*attribute));
    *sorted.add_attribute() = *attribute;
  }
  Node node;
  node.inputs = read_inputs(frame, proto);
  for (const std::string& name : captured_names(sorted)) {
    node.inputs.push_back(resolve(frame, name));
    ++node.captures;
  }
  node.outputs = define_outputs(frame, proto);
  node.foreign = std::move(foreign);
  push_node(std::move(node), base_name(frame, proto), origin);
}

// Builds each subgraph of the node, then gives all of them the same captures in the same order.
std::vector<GraphBuilder::Capture> GraphBuilder::build_subgraphs(Frame& frame, const onnx::NodeProto& proto,
                                                                 std::span<const ValueId> inputs,
                                                                 AttributeList& attributes) {
  std::vector<Capture> all;
  std::vector<std::pair<std::string, GraphBuilder>> built;
  for (const auto& attribute : proto.attribute()) {
    if (kind_of(attribute) != onnx::AttributeProto::GRAPH) continue;
    built.emplace_back(attribute.name(), GraphBuilder(*this, frame));
    GraphBuilder& builder = built.back().second;
    if (proto.op_type() == "Loop" && domain_of(proto).empty()) builder.input_types_ = loop_body_types(inputs);
    with_context([&] { return "subgraph '" + attribute.name() + "'"; }, [&] { builder.build(attribute.g()); });
    for (const Capture& capture : builder.captures_) {
      const bool known =
          std::any_of(all.begin(), all.end(), [&](const Capture& c) { return c.outer == capture.outer; });
      if (!known) all.push_back(capture);
    }
  }
  for (auto& [name, builder] : built) {
    for (const Capture& capture : all) {
      builder.graph_.inputs.push_back(builder.capture(capture.outer));
    }
    attributes[name] = std::make_shared<const Graph>(builder.take());
  }
  return all;
}

// A loop's body may leave its inputs' types unsaid: iteration, condition, then what the loop carries.
std::vector<DataType> GraphBuilder::loop_body_types(std::span<const ValueId> inputs) const {
  std::vector<DataType> types{DataType::kInt64, DataType::kBool};
  for (size_t i = 2; i < inputs.size(); ++i) {
    types.push_back(inputs[i] == kNoValue ? DataType::kUndefined : graph_[inputs[i]].type.dtype);
  }
  return types;
}

void GraphBuilder::push_node(Node node, const std::string& base, int origin) {
  // A node of the file gets its own name; the second of that name, and nodes without one, get a new name.
  node.name = node_names_.make(base, reserved_node_names_);
  node.origin = origin;
  const auto trim = [](std::vector<ValueId>& ids) {
    while (!ids.empty() && ids.back() == kNoValue) ids.pop_back();
  };
  if (node.captures == 0) trim(node.inputs);
  trim(node.outputs);
  graph_.nodes.push_back(std::move(node));
  try {
    infer_outputs(graph_, graph_.nodes.back(), dims_);
  } catch (const Error& error) {
    // Types are wanted here to upgrade old forms, as far as they go. Judging them is for infer_types(), when it is
    // known which branches run at all.
    if (error.kind() == ErrorKind::kInternal) throw;
  }
}

// Returns kNoValue for an empty name.
ValueId GraphBuilder::resolve(Frame& frame, const std::string& name) {
  if (name.empty()) return kNoValue;
  const auto found = frame.names.find(name);
  if (found != frame.names.end()) return found->second;
  if (frame.function == nullptr && outer_ != nullptr) {
    const ValueId outer = outer_->resolve(*outer_frame_, name);
    const ValueId inner = outer == kNoValue ? kNoValue : capture(outer);
    frame.names[name] = inner;
    return inner;
  }
  throw Error(ErrorKind::kModel, "value '" + name + "' is not defined: no input, initializer or node has that name");
}

ValueId GraphBuilder::resolve_computed(Frame& frame, const std::string& name) {
  const ValueId id = resolve(frame, name);
  if (id == kNoValue) throw Error(ErrorKind::kModel, "value '" + name + "' is left out where one is needed");
  return id;
}

ValueId GraphBuilder::capture(ValueId outer) {
  for (const Capture& known : captures_) {
    if (known.outer == outer) return known.inner;
  }
  const Value& source = outer_->graph_[outer];
  Value copy = source;
  copy.name = value_names_.make(source.name);
  const bool constant = copy.constant.has_value();
  const ValueId inner = graph_.add_value(std::move(copy));
  if (!constant) captures_.push_back({outer, inner});
  if (index_of(outer) < outer_->dims_.size() && outer_->dims_[index_of(outer)]) {
    dims_.resize(graph_.values.size());
    dims_[index_of(inner)] = outer_->dims_[index_of(outer)];
  }
  return inner;
}

// The name that a value gets in the graph.
std::string GraphBuilder::value_name(const Frame& frame, const std::string& name) {
  if (frame.function == nullptr) return name;
  const auto wanted = frame.wanted.find(name);
  return wanted != frame.wanted.end() ? wanted->second : value_names_.make(frame.prefix + name);
}

void GraphBuilder::bind_name(Frame& frame, const std::string& name, ValueId id) {
  if (!frame.names.emplace(name, id).second) {
    throw Error(ErrorKind::kModel, "value '" + name + "' is defined twice", "every value needs a name of its own");
  }
}

ValueId GraphBuilder::define(Frame& frame, const std::string& name) {
  if (name.empty()) throw Error(ErrorKind::kModel, "defines a value without a name");
  Value value = named_value(value_name(frame, name));
  const auto declared = frame.declared.find(name);
  if (declared != frame.declared.end()) read_type(*declared->second, model_.dims, value);
  const ValueId id = graph_.add_value(std::move(value));
  bind_name(frame, name, id);
  return id;
}

std::vector<ValueId> GraphBuilder::read_inputs(Frame& frame, const onnx::NodeProto& proto) {
  std::vector<ValueId> ids;
  for (int i = 0; i < proto.input_size(); ++i) {
    ids.push_back(
        with_context([&] { return "input " + std::to_string(i); }, [&] { return resolve(frame, proto.input(i)); }));
  }
  return ids;
}

std::vector<ValueId> GraphBuilder::define_outputs(Frame& frame, const onnx::NodeProto& proto) {
  std::vector<ValueId> ids;
  for (const auto& name : proto.output()) ids.push_back(name.empty() ? kNoValue : define(frame, name));
  return ids;
}

}  // namespace tinyc
