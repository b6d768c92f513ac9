// Rows that have a codebook of their own are a search of their own: with other rows they share nothing.
#include "tinyc/quant/codebook_search.h"

#include <algorithm>
#include <set>
#include <utility>

#include "quant/value_search.h"
#include "quant/vector_search.h"

namespace tinyc {
namespace {

CodebookPoint search_one(const CodebookSearch& search, int threads) {
  return search.length > 1 ? search_vectors(search, threads) : search_values(search, threads);
}

struct Place {
  size_t group;
  int64_t row;
};

std::vector<Place> places_of(const CodebookSearch& search) {
  std::vector<Place> places;
  for (size_t g = 0; g < search.groups.size(); ++g) {
    for (int64_t r = 0; r < search.groups[g].target.rows; ++r) places.push_back({g, r});
  }
  return places;
}

bool each_has_its_scale(const CodebookSearch& search) {
  std::set<size_t> seen;
  size_t rows = 0;
  for (const std::vector<size_t>& of_row : search.scale_of) {
    seen.insert(of_row.begin(), of_row.end());
    rows += of_row.size();
  }
  return seen.size() == rows;
}

void append_row(Matrix& matrix, std::span<const double> row) {
  matrix.elements.insert(matrix.elements.end(), row.begin(), row.end());
  ++matrix.rows;
}

// The search for some rows; its groups are those that have such rows.
CodebookSearch part_of(const CodebookSearch& whole, std::span<const Place> places) {
  CodebookSearch part = whole;
  part.groups.clear();
  part.held.clear();
  part.scale_of.clear();
  part.smallest.clear();
  part.rows_together = 0;
  size_t group = whole.groups.size();
  for (const Place& place : places) {
    const OutputError& from = whole.groups[place.group];
    const int64_t columns = from.target.columns;
    if (std::exchange(group, place.group) != place.group) {
      part.groups.push_back({from.h, Matrix(0, columns)});
      part.scale_of.emplace_back();
      if (!whole.held.empty()) part.held.push_back({columns, {}});
    }
    append_row(part.groups.back().target, from.target.row(place.row));
    part.scale_of.back().push_back(part.smallest.size());
    part.smallest.push_back(whole.smallest[whole.scale_of[place.group][static_cast<size_t>(place.row)]]);
    if (whole.held.empty() || whole.held[place.group].empty()) continue;
    const auto held = whole.held[place.group].held.begin() + place.row * columns;
    part.held.back().held.insert(part.held.back().held.end(), held, held + columns);
  }
  return part;
}

}  // namespace

CodebookPoint search_codebook(const CodebookSearch& search, int threads) {
  const std::vector<Place> places = places_of(search);
  if (search.rows_together == 0 || search.rows_together >= std::ssize(places) || !each_has_its_scale(search)) {
    return search_one(search, threads);
  }
  CodebookPoint all{std::vector<double>(search.smallest.size(), 0.0), {}, {}, 0};
  for (const OutputError& group : search.groups) all.steps.emplace_back(group.target.rows, group.target.columns);
  for (int64_t first = 0; first < std::ssize(places); first += search.rows_together) {
    const int64_t count = std::min(search.rows_together, std::ssize(places) - first);
    const auto rows = std::span(places).subspan(static_cast<size_t>(first), static_cast<size_t>(count));
    const CodebookPoint found = search_one(part_of(search, rows), threads);
    all.error += found.error;
    all.codebook.insert(all.codebook.end(), found.codebook.begin(), found.codebook.end());
    size_t scale = 0, group = 0;
    int64_t row = 0;
    for (const Place& place : rows) {
      if (row == found.steps[group].rows) {
        ++group;
        row = 0;
      }
      std::ranges::copy(found.steps[group].row(row++), all.steps[place.group].row(place.row).begin());
      all.scales[search.scale_of[place.group][static_cast<size_t>(place.row)]] = found.scales[scale++];
    }
  }
  return all;
}

}  // namespace tinyc
