#include "tinyc/driver/load.h"

#include "tinyc/base/error.h"
#include "tinyc/driver/recipe.h"
#include "tinyc/ops/infer.h"

namespace tinyc {

Graph load_model(const std::filesystem::path& path, const ImportOptions& options) {
  Graph graph = import_model(path, options);
  PassContext context;
  with_context([&] { return path.filename().string(); },
               [&] {
                 infer_types(graph);
                 run_passes(graph, stage_steps(make_recipe(), Stage::kNormalize), context);
               });
  return graph;
}

}  // namespace tinyc
