# Warnings, and the one code generation rule that every file obeys: no silent contraction of a*b+c, so that results do
# not change with the compiler (kernels that want fused multiply-adds say so by name).
add_library(tinyc_warnings INTERFACE)
target_compile_options(tinyc_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wcast-qual -Wundef -ffp-contract=off
  # GCC 12 sees overlapping copies in "text" + std::string (GCC bug 105651), and strings in
  # structs that have none where a std::visit is over pointers to members.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict -Wno-array-bounds>
  $<$<BOOL:${TINYC_WERROR}>:-Werror>)
