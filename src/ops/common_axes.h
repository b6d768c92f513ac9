// Axes of kinds of ops (ops/axes.h). None where shapes are not known well enough.
#pragma once

#include "tinyc/ops/op.h"

namespace tinyc {

// No axis has a label.
NodeAxes unlabelled_axes(const AxesContext& c);
// Gives the axes of an operand of shape `from`, which is broadcast to `to`, the labels of the latter; the last
// `skipped` axes are left alone. False where the shapes do not say what is broadcast.
bool label_broadcast(const Shape& from, const Shape& to, const OperandAxes& labels, OperandAxes& operand, int skipped);

// Each result is a function of the operands' elements at its place, broadcast.
std::optional<NodeAxes> elementwise_axes(const AxesContext& c);

// Each index of axis 0 and of axis 1 of operand 0 by itself: pools.
std::optional<NodeAxes> plane_axes(const AxesContext& c);
// The same with operands that have one element for each index of axis 1: BatchNormalization.
std::optional<NodeAxes> channel_axes(const AxesContext& c);
// The same where axis 1 is `groups` groups of channels, of which a group is mixed.
std::optional<NodeAxes> grouped_axes(const AxesContext& c, int64_t groups);

// Operand 0 is mixed along axes from `first` up to `last`, in any way; each index of the others by itself. Results have
// the same axes, of extent 1 where that was reduced; other operands lie along the mixed ones.
std::optional<NodeAxes> mixing_axes(const AxesContext& c, int first, int last);
// The same for reductions, which are named by operand 1.
std::optional<NodeAxes> reduction_axes(const AxesContext& c);

// src/ops/layer_axes.cpp:
std::optional<NodeAxes> conv_axes(const AxesContext& c);
std::optional<NodeAxes> conv_transpose_axes(const AxesContext& c);
std::optional<NodeAxes> gemm_axes(const AxesContext& c);
std::optional<NodeAxes> matmul_axes(const AxesContext& c);

// Inputs and hidden units; `gates` of the cell.
std::optional<NodeAxes> recurrent_axes(const AxesContext& c, int64_t gates);

}  // namespace tinyc
