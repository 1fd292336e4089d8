import ts from 'typescript'

/** Globals that would give the rules a clock, an environment, a network or chance. */
const forbidden = new Set([
  'process',
  'globalThis',
  'fetch',
  'console',
  'performance',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'require',
  'eval',
  'Function',
])
const forbiddenMembers = new Map([
  ['Date', new Set(['now'])],
  ['Math', new Set(['random'])],
])

/** What in this source reads something other than its arguments. */
export function impurities(path: string, text: string): string[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  const found: string[] = []
  const report = (node: ts.Node): void => {
    const { line } = file.getLineAndCharacterOfPosition(node.getStart())
    found.push(`${path}:${line + 1} uses ${node.getText().slice(0, 40)}`)
  }
  const visit = (node: ts.Node): void => {
    if (isImpure(node)) report(node)
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}

function isImpure(node: ts.Node): boolean {
  if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
    if (forbiddenMembers.get(node.expression.text)?.has(node.name.text)) return true
  }
  // `new Date()` and the call `Date()` read the clock; `new Date(text)` does not.
  if (ts.isNewExpression(node) && named(node.expression, 'Date')) return (node.arguments ?? []).length === 0
  if (ts.isCallExpression(node)) {
    if (named(node.expression, 'Date')) return true
    if (node.expression.kind === ts.SyntaxKind.ImportKeyword) return true
  }
  return ts.isIdentifier(node) && forbidden.has(node.text) && isFreeUse(node)
}

/** A use of the global itself, not a member or a property that has its name. */
function isFreeUse(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node
  return !(ts.isPropertySignature(parent) || ts.isMethodDeclaration(parent) || ts.isMethodSignature(parent))
}

function named(node: ts.Expression, name: string): boolean {
  return ts.isIdentifier(node) && node.text === name
}
