import { STATUS_CODES } from 'node:http'

const style = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 44rem; margin: 15vh auto; padding: 0 1.5rem }
h1 { font-weight: 600 } p, td + td { opacity: .7 } td { padding: .15rem 2rem .15rem 0 } td + td { text-align: right }`

/** The page of an error for which the site has none. */
export function errorPage(status) {
  return page(`${status} ${STATUS_CODES[status]}`, '')
}

/** @param entries {{ name: string, isDirectory: boolean, sizeInBytes: number }[]} */
export function directoryPage(segments, entries) {
  const sorted = [...entries].sort(
    (a, b) => Number(b.isDirectory) - Number(a.isDirectory) || a.name.localeCompare(b.name),
  )
  const rows = sorted.map(({ name, isDirectory, sizeInBytes }) => {
    const slash = isDirectory ? '/' : ''
    const size = isDirectory ? '' : `${sizeInBytes.toLocaleString('en')} bytes`
    return `<tr><td><a href="./${encodeURIComponent(name)}${slash}">${escaped(name)}${slash}</a></td><td>${size}</td></tr>`
  })
  if (segments.length > 0) rows.unshift('<tr><td><a href="../">..</a></td><td></td></tr>')
  return page(`/${segments.map((segment) => `${segment}/`).join('')}`, `<table>${rows.join('\n')}</table>`)
}

function page(title, content) {
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title><style>${style}</style>
<h1>${escaped(title)}</h1>
${content}
</html>
`
}

function escaped(text) {
  return text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`)
}
