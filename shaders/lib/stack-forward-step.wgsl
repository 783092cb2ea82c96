// What a step of a stack begins with, see stack-forward.wgsl.
    if (isIdle(time, d)) {
      return;
    }
    addInput(step, row0, d, z, word, unit, lane);
    cellDirection = 0u;
    time -= d;
