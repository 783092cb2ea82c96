// What flows in besides R's product, see stack-backward.wgsl.
    if (!FINISH && d + 1u < params.layer.D) {
      product = withAbove(product, flowing, row0, d, z, word, lane / WORDS);
    }
