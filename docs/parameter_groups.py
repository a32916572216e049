"""Parameters of estimators in groups, as their pages of the API reference show them.

A page with more than `LONGEST` parameters has a heading for each group.
"""

from __future__ import annotations

from collections.abc import Iterator

from docutils import nodes
from sphinx import addnodes

LONGEST = 12
# Which group a parameter is in; the groups are in the order in which a reader needs them.
GROUPS = {
    "Code": "n_components latent whiten deep_features sparsity prior n_importance_samples "
    "n_codebooks n_codewords decay",
    "Task": "estimator classifier embedding mode method missing_values add_indicator "
    "keep_empty_features sample_posterior n_features_to_select groups contamination calibration "
    "n_estimators novelty training_rows window threshold network_weight class_weight class_prior "
    "label_weight distill n_neighbors max_samples n_landmarks reg_covar weight scale degradation",
    "Rows": "categorical_features numeric_map image_shape sequence_id corruption noise_scale "
    "augment",
    "Network": "hidden_layer_sizes activation dropout hidden_noise normalization tied_weights "
    "channels kernel_size pooling residual_blocks depth cell hidden_size n_layers bidirectional "
    "recurrent_decoder encoder decoder architecture",
    "Objective": "loss penalties penalty sparsity_weight contraction n_projections beta warm_up "
    "mmd_weight commitment l1 alpha",
    "Training": "init optimizer batch_size learning_rate_init max_iter early_stopping "
    "validation_fraction n_iter_no_change tol stage_sizes warm_start freeze",
    "Run": "checkpoint device callbacks verbose random_state",
}
GROUP_OF = {name: group for group, names in GROUPS.items() for name in names.split()}


def group_parameters(app, doctree):
    """Put headings between the parameters of an estimator, in place of one long list."""
    for description in doctree.findall(addnodes.desc):
        if description["objtype"] == "class":
            for entries in _parameters(description):
                names = {item: item.next_node(nodes.strong).astext() for item in entries.children}
                if len(names) > LONGEST and GROUP_OF.keys() >= set(names.values()):
                    entries.replace_self(list(_grouped(names)))


def _parameters(description: nodes.Element) -> Iterator[nodes.definition_list]:
    for field in description.findall(nodes.field):
        if field[0].astext() == "Parameters":
            yield from list(field[1].findall(nodes.definition_list))[:1]


def _grouped(names: dict[nodes.Node, str]) -> Iterator[nodes.Node]:
    for group in GROUPS:
        found = [item for item, name in names.items() if GROUP_OF[name] == group]
        if found:
            heading = nodes.strong(text=group)
            yield nodes.paragraph("", "", heading, classes=["parameter-group"])
            yield nodes.definition_list("", *found)
