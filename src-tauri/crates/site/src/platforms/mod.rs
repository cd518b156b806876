//! What kinds of site there are, how each is recognised, and what its copy needs.
