// Which form of data a path holds: by the file's name, or by the names of what lies in the folder.
#include <algorithm>
#include <cctype>
#include <map>

#include "quant/data/source.h"
#include "tinyc/base/error.h"

namespace tinyc {
namespace {

namespace fs = std::filesystem;

constexpr const char* kForms = "data are a .npz, a .npy, images (.png, .jpg), .wav files, or a folder of these";

enum class Kind : uint8_t { kNone, kArrays, kImages, kWavs };

Kind kind_of(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  static const std::map<std::string, Kind, std::less<>> kKinds = {{".npz", Kind::kArrays},  {".npy", Kind::kArrays},
                                                                  {".png", Kind::kImages},  {".jpg", Kind::kImages},
                                                                  {".jpeg", Kind::kImages}, {".wav", Kind::kWavs}};
  const auto found = kKinds.find(extension);
  return found == kKinds.end() ? Kind::kNone : found->second;
}

// What lies in a folder, sorted by name, hidden files left out.
std::vector<fs::path> list(const fs::path& folder) {
  std::error_code code;
  std::vector<fs::path> entries;
  for (fs::directory_iterator it(folder, code), end; !code && it != end; it.increment(code)) {
    if (!it->path().filename().string().starts_with('.')) entries.push_back(it->path());
  }
  if (code) throw Error(ErrorKind::kIo, "cannot read the folder: " + code.message());
  std::sort(entries.begin(), entries.end());
  return entries;
}

struct Contents {
  std::vector<fs::path> test_sets;
  std::map<Kind, std::vector<LabelledFile>> files;
  int64_t classes = 0;
};

void add_file(const fs::path& path, int64_t label, Contents& contents) {
  const Kind kind = kind_of(path);
  if (kind != Kind::kNone) contents.files[kind].push_back({path, label});
}

Contents look_into(const fs::path& folder) {
  Contents contents;
  const std::vector<fs::path> entries = list(folder);
  if (fs::exists(folder / "input_0.pb")) contents.test_sets.push_back(folder);
  for (const fs::path& entry : entries) {
    if (!fs::is_directory(entry)) {
      add_file(entry, -1, contents);
      continue;
    }
    if (fs::exists(entry / "input_0.pb")) {
      contents.test_sets.push_back(entry);
      continue;
    }
    Contents inside;
    for (const fs::path& file : list(entry)) add_file(file, contents.classes, inside);
    if (inside.files.empty()) continue;
    ++contents.classes;
    for (auto& [kind, files] : inside.files) {
      auto& all = contents.files[kind];
      all.insert(all.end(), files.begin(), files.end());
    }
  }
  return contents;
}

void refuse_mixtures(const Contents& contents) {
  const size_t forms = contents.files.size() + (contents.test_sets.empty() ? 0 : 1);
  if (forms == 0) throw Error(ErrorKind::kUsage, "the folder holds no data", kForms);
  if (forms > 1) {
    throw Error(ErrorKind::kUsage, "the folder holds data of several kinds", "keep arrays, images and sound apart");
  }
  for (const auto& [kind, files] : contents.files) {
    const auto has_class = [](const LabelledFile& file) { return file.label >= 0; };
    const auto classified = std::count_if(files.begin(), files.end(), has_class);
    if (classified != 0 && classified != static_cast<std::ptrdiff_t>(files.size())) {
      throw Error(ErrorKind::kUsage, "some files lie in class folders, others beside them",
                  "put every file into the folder of its class, or all into one folder");
    }
    if (kind == Kind::kArrays && classified != 0) {
      throw Error(ErrorKind::kUsage, "arrays lie in sub-folders", "put all .npy or .npz files into one folder");
    }
  }
}

SourcePtr open_folder(const fs::path& folder, const SourceRequest& request) {
  Contents contents = look_into(folder);
  refuse_mixtures(contents);
  if (!contents.test_sets.empty()) return open_test_sets(std::move(contents.test_sets), request);
  auto& [kind, files] = *contents.files.begin();
  if (kind == Kind::kImages) return open_images(std::move(files), request);
  if (kind == Kind::kWavs) return open_wavs(std::move(files), request);
  const bool by_name = std::all_of(request.inputs.begin(), request.inputs.end(), [&](const ModelInput& input) {
    return input.name.find('/') == std::string::npos && fs::exists(folder / (input.name + ".npy"));
  });
  if (by_name && !request.inputs.empty()) return open_named_npys(folder, request);
  std::vector<fs::path> arrays;
  for (LabelledFile& file : files) arrays.push_back(std::move(file.path));
  return concatenate(std::move(arrays), request);
}

}  // namespace

SourcePtr open_source(const fs::path& path, const SourceRequest& request) {
  std::error_code code;
  const fs::file_status status = fs::status(path, code);
  if (!fs::exists(status)) throw Error(ErrorKind::kIo, "cannot read: no such file or folder");
  if (fs::is_directory(status)) return open_folder(path, request);
  switch (kind_of(path)) {
    case Kind::kArrays:
      return path.extension() == ".npy" ? open_npy(path, request) : open_npz(path, request);
    case Kind::kImages:
      return open_images({{path, -1}}, request);
    case Kind::kWavs:
      return open_wavs({{path, -1}}, request);
    case Kind::kNone:
      break;
  }
  throw Error(ErrorKind::kUsage, "not a form of data that tinyc reads", kForms);
}

}  // namespace tinyc
