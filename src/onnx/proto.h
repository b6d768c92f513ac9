// The protobuf schema, and reading messages from bytes that nobody vouches for.
//
// The installed schema may be older than the models: fields and enumerators it does not name arrive as unknown fields
// and as numbers, and are read as such.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace tinyc {

// Parses `bytes` into the message; false when they are not a message of that kind. Protobuf prints nothing.
bool parse_message(std::string_view bytes, google::protobuf::MessageLite& message);

// Reads a whole file into the message. Throws Error(kIo) when it cannot be read, Error(kModel) when it does not parse;
// `what` is the kind of file for the message ("an ONNX model").
void read_message(const std::filesystem::path& path, std::string_view what, google::protobuf::MessageLite& message);

// The bytes of a message, the same for the same message.
std::string serialize(const google::protobuf::MessageLite& message);

// The last length-delimited unknown field with that number, empty when absent.
std::string unknown_string(const google::protobuf::Message& message, int number);

}  // namespace tinyc
