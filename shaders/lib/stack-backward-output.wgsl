// Only the last layer's output is one of the stack: [T,B,P].
  output = (time * B + row) * P;
  hasOutput = hasOutput && d + 1u == D;
