#include "onnx/proto.h"

#include <fcntl.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/unknown_field_set.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <limits>

#include "tinyc/base/error.h"

namespace tinyc {
namespace {

namespace pb = google::protobuf;

bool parse_stream(pb::io::ZeroCopyInputStream& stream, pb::MessageLite& message) {
  pb::LogSilencer silence;
  pb::io::CodedInputStream coded(&stream);
  coded.SetTotalBytesLimit(std::numeric_limits<int>::max());
  return message.ParsePartialFromCodedStream(&coded) && coded.ConsumedEntireMessage();
}

[[noreturn]] void fail_parse(std::string_view what, const pb::MessageLite& message) {
  const bool begins_right = message.ByteSizeLong() > 0;
  throw Error(ErrorKind::kModel,
              begins_right ? "the file is truncated or damaged: it begins as " + std::string(what) +
                                 " but cannot be read to its end"
                           : "the file is not " + std::string(what) + " (not a protobuf)",
              begins_right ? "copy or download the file again" : "pass a file in ONNX format");
}

}  // namespace

bool parse_message(std::string_view bytes, pb::MessageLite& message) {
  if (bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max())) return false;
  pb::io::ArrayInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  return parse_stream(stream, message);
}

void read_message(const std::filesystem::path& path, std::string_view what, pb::MessageLite& message) {
  const auto fail_io = [](int code) {
    throw Error(ErrorKind::kIo, std::string("cannot read the file: ") + std::strerror(code));
  };
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail_io(errno);
  pb::io::FileInputStream stream(descriptor);
  stream.SetCloseOnDelete(true);
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) fail_io(errno);
  if (S_ISDIR(status.st_mode)) fail_io(EISDIR);
  if (status.st_size > std::numeric_limits<int>::max()) {
    throw Error(ErrorKind::kModel, "the file is larger than the 2 GB that a protobuf can hold",
                "save the weights as external data");
  }
  const bool parsed = parse_stream(stream, message);
  if (stream.GetErrno() != 0) fail_io(stream.GetErrno());
  if (!parsed) fail_parse(what, message);
}

std::string serialize(const pb::MessageLite& message) {
  std::string bytes;
  {
    pb::io::StringOutputStream stream(&bytes);
    pb::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializePartialToCodedStream(&coded);
  }
  return bytes;
}

std::string unknown_string(const pb::Message& message, int number) {
  const pb::UnknownFieldSet& fields = message.GetReflection()->GetUnknownFields(message);
  std::string value;
  for (int i = 0; i < fields.field_count(); ++i) {
    const pb::UnknownField& field = fields.field(i);
    if (field.number() == number && field.type() == pb::UnknownField::TYPE_LENGTH_DELIMITED) {
      value = field.length_delimited();
    }
  }
  return value;
}

}  // namespace tinyc
