"""The fold: a log of cluster inputs becomes device homes and TAPI messages. Pure."""
