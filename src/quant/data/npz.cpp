// .npz: a zip archive of .npy members, each read from front to back through its own inflater; nothing is unpacked as a
// whole. Sizes are not believed: a member must have the bytes that its header says, and no member may be larger than
// deflate can make of its packed bytes; one that is big and packs better than any real data does is taken for a zip
// bomb.
#include <zip.h>

#include <algorithm>
#include <memory>

#include "quant/data/npy.h"
#include "tinyc/base/error.h"

namespace tinyc {
namespace {

constexpr uint64_t kDeflateRatio = 1032;  // 258 bytes out of 2 bits
constexpr uint64_t kBombBytes = uint64_t{256} << 20U;
constexpr uint64_t kBombRatio = 500;
constexpr zip_int64_t kMaxMembers = 100000;

struct Archive {
  std::shared_ptr<zip_t> zip;
  uint64_t bytes = 0;
};

[[noreturn]] void damaged(const std::string& what) {
  throw Error(ErrorKind::kIo, "not a readable .npz: " + what);
}

Archive open_archive(zip_source_t* source, uint64_t bytes, zip_error_t& error) {
  zip_t* archive = source == nullptr ? nullptr : zip_open_from_source(source, ZIP_RDONLY, &error);
  if (archive == nullptr) {
    if (source != nullptr) zip_source_free(source);
    const std::string reason = zip_error_strerror(&error);
    zip_error_fini(&error);
    damaged(reason);
  }
  return {{archive, [](zip_t* a) { zip_discard(a); }}, std::max<uint64_t>(bytes, 1)};
}

// One member, opened anew by each rewind.
class Member {
 public:
  Member(std::shared_ptr<zip_t> archive, zip_uint64_t idx) : archive_(std::move(archive)), idx_(idx) { open(); }

  void open() {
    file_.reset();  // before the next one is opened: some archives allow one reader a member
    file_.reset(zip_fopen_index(archive_.get(), idx_, 0));
    if (file_ == nullptr) damaged(zip_strerror(archive_.get()));
  }
  void read(std::span<std::byte> bytes) {
    while (!bytes.empty()) {
      const zip_int64_t got = zip_fread(file_.get(), bytes.data(), bytes.size());
      if (got < 0) damaged(zip_file_strerror(file_.get()));
      if (got == 0) damaged("it ends too early");
      bytes = bytes.subspan(static_cast<size_t>(got));
    }
  }
  // Reading on at the end makes the library compare the checksum.
  void finish() {
    std::byte extra{};
    const zip_int64_t got = zip_fread(file_.get(), &extra, 1);
    if (got < 0) damaged(zip_file_strerror(file_.get()));
    if (got > 0) damaged("it goes on after its last element");
  }

 private:
  struct Close {
    void operator()(zip_file_t* file) const { zip_fclose(file); }
  };
  std::shared_ptr<zip_t> archive_;
  zip_uint64_t idx_;
  std::unique_ptr<zip_file_t, Close> file_;
};

void check_member(const zip_stat_t& info, uint64_t archive_bytes) {
  const bool known = (info.valid & ZIP_STAT_SIZE) != 0 && (info.valid & ZIP_STAT_COMP_SIZE) != 0 &&
                     (info.valid & ZIP_STAT_COMP_METHOD) != 0;
  if (!known) damaged("a member has no size");
  if (info.comp_method != ZIP_CM_STORE && info.comp_method != ZIP_CM_DEFLATE) {
    damaged("a member is packed by a method other than deflate");
  }
  const uint64_t packed = std::clamp<uint64_t>(info.comp_size, 1, archive_bytes);
  const bool impossible = info.size / kDeflateRatio > packed;
  const bool incredible = info.size > kBombBytes && info.size / kBombRatio > packed;
  if (impossible || incredible) {
    throw Error(ErrorKind::kIo, "refused as a zip bomb: " + std::to_string(info.comp_size) + " bytes claim to hold " +
                                    std::to_string(info.size));
  }
}

ArrayStream open_member(const Archive& archive, zip_uint64_t idx, const zip_stat_t& info, std::string name) {
  check_member(info, archive.bytes);
  const auto member = std::make_shared<Member>(archive.zip, idx);
  ArrayStream stream;
  stream.name = std::move(name);
  stream.read = [member](std::span<std::byte> bytes) { member->read(bytes); };
  stream.header = read_npy_header(stream.read);
  const uint64_t expected = stream.header.header_bytes + stream.header.data_bytes;
  if (info.size != expected) {
    damaged("it unpacks to " + std::to_string(info.size) + " bytes, but its header says " + std::to_string(expected));
  }
  stream.finish = [member] { member->finish(); };
  stream.rewind = [member, header_bytes = stream.header.header_bytes] {
    member->open();
    std::vector<std::byte> skipped(header_bytes);
    member->read(skipped);
  };
  return stream;
}

SourcePtr open_arrays(const Archive& archive, const SourceRequest& request) {
  const zip_int64_t count = zip_get_num_entries(archive.zip.get(), 0);
  if (count > kMaxMembers) damaged("it has too many members");
  std::vector<std::pair<std::string, zip_uint64_t>> members;
  for (zip_int64_t i = 0; i < count; ++i) {
    const char* name = zip_get_name(archive.zip.get(), static_cast<zip_uint64_t>(i), ZIP_FL_ENC_RAW);
    if (name == nullptr) damaged("a member has no name");
    std::string text(name);
    if (text.ends_with(".npy")) members.emplace_back(text.substr(0, text.size() - 4), static_cast<zip_uint64_t>(i));
  }
  // Arrays that the model has no input for stay unread, unless it is the only one.
  const auto wanted = [&](const std::string& name) {
    return name == kLabels || std::any_of(request.inputs.begin(), request.inputs.end(),
                                          [&](const ModelInput& input) { return input.name == name; });
  };
  const auto is_input = [&](const auto& member) { return member.first != kLabels && wanted(member.first); };
  const bool by_name = std::any_of(members.begin(), members.end(), is_input);
  std::vector<ArrayStream> streams;
  for (const auto& [name, idx] : members) {
    if (by_name && !wanted(name)) continue;
    zip_stat_t info;
    if (zip_stat_index(archive.zip.get(), idx, 0, &info) != 0) damaged(zip_strerror(archive.zip.get()));
    const std::string& array = name;
    const zip_uint64_t member = idx;
    with_context([&] { return "array '" + array + "'"; },
                 [&] { streams.push_back(open_member(archive, member, info, array)); });
  }
  if (streams.empty()) throw Error(ErrorKind::kUsage, "the .npz holds no arrays", "save it with numpy.savez");
  return make_array_source(std::move(streams), request);
}

}  // namespace

SourcePtr open_npz(const std::filesystem::path& path, const SourceRequest& request) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* const source = zip_source_file_create(path.c_str(), 0, -1, &error);
  return open_arrays(open_archive(source, std::filesystem::file_size(path), error), request);
}

SourcePtr open_npz_bytes(std::span<const std::byte> bytes, const SourceRequest& request) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* const source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  return open_arrays(open_archive(source, bytes.size(), error), request);
}

}  // namespace tinyc
