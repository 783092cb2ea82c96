// Small mistakes that could be made in a TypeScript file: an operator, a condition, a number, a call that is left out.
// Messages, types and texts are left alone.
import ts from "typescript";

/**
 * @typedef {object} Mutant
 * @property {string} file
 * @property {number} start where the changed code begins, as an index into the file's text
 * @property {number} end
 * @property {number} line
 * @property {string} from
 * @property {string} to
 * @property {boolean} statement whether it is a whole statement
 */

const K = ts.SyntaxKind;

/** What takes an operator's place. */
const operators = new Map([
  [K.PlusToken, ["-"]],
  [K.MinusToken, ["+"]],
  [K.AsteriskToken, ["/"]],
  [K.SlashToken, ["*"]],
  [K.PercentToken, ["*"]],
  [K.LessThanToken, ["<=", ">="]],
  [K.LessThanEqualsToken, ["<", ">"]],
  [K.GreaterThanToken, [">=", "<="]],
  [K.GreaterThanEqualsToken, [">", "<"]],
  [K.EqualsEqualsEqualsToken, ["!=="]],
  [K.ExclamationEqualsEqualsToken, ["==="]],
  [K.AmpersandAmpersandToken, ["||"]],
  [K.BarBarToken, ["&&"]],
  [K.PlusEqualsToken, ["-="]],
  [K.MinusEqualsToken, ["+="]],
  [K.AsteriskEqualsToken, ["/="]],
  [K.SlashEqualsToken, ["*="]],
  [K.AmpersandToken, ["|"]],
  [K.BarToken, ["&"]],
  [K.LessThanLessThanToken, [">>"]],
  [K.GreaterThanGreaterThanToken, ["<<"]],
  [K.QuestionQuestionEqualsToken, ["="]],
]);

const methods = { max: "min", min: "max", ceil: "floor", floor: "ceil", some: "every", every: "some" };

/** @returns {Mutant[]} all of a file, in its order */
export function mutantsOf(file, text) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found = [];
  const code = (node) => text.slice(node.getStart(source), node.end);
  const add = (node, to, statement = false) => {
    const start = node.getStart(source);
    const line = source.getLineAndCharacterOfPosition(start).line + 1;
    found.push({ file, start, end: node.end, line, from: code(node), to, statement });
  };
  const condition = (node) => {
    if ([K.TrueKeyword, K.FalseKeyword].includes(node.kind)) return;
    add(node, "true");
    add(node, "false");
  };
  const visit = (node) => {
    if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return;
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node) || ts.isThrowStatement(node)) return;
    // An error that is made is thrown or told somewhere: its words are no behaviour.
    if (ts.isNewExpression(node) && /Error$/.test(code(node.expression))) return;
    if (node.modifiers?.some(({ kind }) => kind === K.DeclareKeyword)) return;
    if (ts.isBinaryExpression(node)) {
      const { left, operatorToken, right } = node;
      const between = text.slice(left.end, right.getStart(source));
      for (const to of operators.get(operatorToken.kind) ?? [])
        add(node, code(left) + between.replace(operatorToken.getText(source), () => to) + code(right));
      if (operatorToken.kind === K.QuestionQuestionToken) add(node, code(right));
    }
    if (ts.isPrefixUnaryExpression(node)) {
      if ([K.ExclamationToken, K.MinusToken].includes(node.operator)) add(node, code(node.operand));
      if (node.operator === K.PlusPlusToken) add(node, `--${code(node.operand)}`);
    }
    if (ts.isPostfixUnaryExpression(node))
      add(node, code(node.operand) + (node.operator === K.PlusPlusToken ? "--" : "++"));
    if (ts.isIfStatement(node) || ts.isConditionalExpression(node))
      condition(ts.isIfStatement(node) ? node.expression : node.condition);
    if ((ts.isWhileStatement(node) || ts.isDoStatement(node)) && node.expression.kind !== K.TrueKeyword)
      add(node.expression, "false");
    if (ts.isNumericLiteral(node) && node.parent.name !== node)
      add(node, node.text === "1" ? "0" : `${code(node)} + 1`);
    if (node.kind === K.TrueKeyword) add(node, "false");
    if (node.kind === K.FalseKeyword) add(node, "true");
    if (ts.isExpressionStatement(node) && !/^(super|"use)\b/.test(code(node))) add(node, ";", true);
    if (
      ts.isCallExpression(node) &&
      !(node.flags & ts.NodeFlags.OptionalChain) &&
      ts.isPropertyAccessExpression(node.expression)
    ) {
      const { expression, name } = node.expression;
      const other = Object.hasOwn(methods, name.text) ? methods[name.text] : undefined;
      if (other) add(node, `${code(expression)}.${other}${text.slice(name.end, node.end)}`);
      if (name.text === "filter" || name.text === "sort" || name.text === "reverse") add(node, code(expression));
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/**
 * The file's text with all of these mutants in it, each behind a switch: `mutantActive(id)` says whether it takes its place, and
 * knows so that it is reached.
 */
export function withSwitches(text, mutants) {
  const inserts = mutants.flatMap(({ id, start, end, to, statement }) => {
    const isActive = `globalThis.mutantActive?.(${id})`;
    return [
      {
        at: start,
        outer: end,
        text: statement ? `{ if (${isActive}) ${to} else { ` : `(${isActive} ? (${to}) : `,
        closes: false,
      },
      { at: end, outer: -start, text: statement ? " } }" : ")", closes: true },
    ];
  });
  // Where several stand at one place: what ends there before what begins, and one inside another as brackets are.
  inserts.sort(
    (a, b) => a.at - b.at || Number(b.closes) - Number(a.closes) || (a.closes ? a.outer - b.outer : b.outer - a.outer),
  );
  let result = "";
  let at = 0;
  for (const insert of inserts) {
    result += text.slice(at, insert.at) + insert.text;
    at = insert.at;
  }
  return result + text.slice(at);
}
