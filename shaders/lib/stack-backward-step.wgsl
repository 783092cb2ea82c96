// What a step of a stack begins with, see stack-backward.wgsl.
    if (!FINISH && isIdle(time, d)) {
      return;
    }
    hasProduct = hasProduct && (FINISH || time + 1u < d + params.T);
    // FINISH: the first step of each layer.
    flowing = select(flowing, d, FINISH);
    cellDirection = 0u;
    time -= select(d, 0u, FINISH);
