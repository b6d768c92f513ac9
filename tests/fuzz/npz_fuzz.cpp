// Any bytes read as a .npz give samples of the model's type and dims, or a usage or file error; what was read once is
// read again after a rewind.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "tinyc/base/error.h"
#include "tinyc/quant/dataset.h"

namespace {

using namespace tinyc;

void read_all(std::span<const std::byte> bytes, const std::vector<ModelInput>& inputs) {
  try {
    Dataset data = Dataset::from_npz_bytes(bytes, inputs);
    for (int round = 0; round < 2; ++round) {
      int64_t samples = 0;
      for (Batch batch = data.next(3); batch.size > 0; batch = data.next(3)) {
        if (batch.first != samples || batch.inputs.size() != inputs.size()) std::abort();
        for (size_t i = 0; i < inputs.size(); ++i) {
          const Tensor& tensor = batch.inputs[i];
          if (tensor.dtype() != inputs[i].type.dtype || tensor.rank() != inputs[i].type.shape.rank()) std::abort();
        }
        samples += batch.size;
      }
      if (samples != data.size()) std::abort();
      data.rewind();
    }
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kUsage && error.kind() != ErrorKind::kIo) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const Dim batch{std::string("N")};
  read_all(bytes, {{"input", {DataType::kFloat, {batch, 3}}}});
  read_all(bytes, {{"a", {DataType::kFloat, {batch, Dim()}}}, {"b", {DataType::kInt8, {2, batch}}}});
  return 0;
}
