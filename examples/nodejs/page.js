const escaped = (text) => String(text).replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`)

/** The page of one instance; its script asks the app many times and counts who answers. */
export function page(facts) {
  const rows = [
    ['Instance', `${facts.instanceIndex} (${facts.instanceGuid})`],
    ['Space', facts.space ? `${facts.organization} / ${facts.space}` : 'none: running without a platform'],
    ['Memory', `${facts.memoryInMb} MB of ${facts.memoryLimit ?? 'what the machine has'}`],
    ['Up for', `${facts.uptimeInSeconds} seconds`],
    ['Requests', facts.requests],
    ['Node.js', facts.nodeVersion],
  ]
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(facts.app)}</title>
<style>
  :root { color-scheme: light dark; --hue: ${(facts.instanceIndex * 67 + 150) % 360};
    --accent: hsl(var(--hue) 60% 42%); font: 17px/1.6 system-ui, sans-serif }
  body { margin: 0; min-height: 100vh; display: grid; place-content: center;
    background: radial-gradient(circle at 20% 0, hsl(var(--hue) 70% 50% / .22), transparent 60%) }
  main { width: min(38rem, 100vw - 3rem); padding: 3rem 0 }
  h1 { font-size: 2.6rem; line-height: 1.1; margin: 0 0 .4rem }
  .badge { display: inline-block; background: var(--accent); color: #fff; border-radius: 99px; padding: .1rem .9rem; font-weight: 600 }
  dl { display: grid; grid-template-columns: 8rem 1fr; gap: .3rem 1rem; margin: 2rem 0 }
  dt { opacity: .6 } dd { margin: 0; overflow-wrap: anywhere }
  button, nav a { font: inherit; color: inherit; border: 1px solid var(--accent); background: none; border-radius: .5rem;
    padding: .35rem .9rem; cursor: pointer; text-decoration: none }
  button:hover, nav a:hover { background: var(--accent); color: #fff }
  nav { display: flex; flex-wrap: wrap; gap: .6rem }
  #answers { margin-top: 1.5rem; display: grid; gap: .4rem }
  #answers div { background: hsl(var(--h) 60% 42%); color: #fff; border-radius: .4rem; padding: .1rem .8rem; white-space: nowrap;
    transition: width .2s; box-sizing: border-box }
</style>
<main>
  <p class="badge">instance ${facts.instanceIndex}</p>
  <h1>${escaped(facts.greeting)}</h1>
  <p>This is <strong>${escaped(facts.app)}</strong>, pushed with <code>cf push</code>.</p>
  <dl>${rows.map(([name, value]) => `<dt>${name}</dt><dd>${escaped(value)}</dd>`).join('\n')}</dl>
  <nav><button>Ask 20 times</button> <a href="/env">/env</a> <a href="/health">/health</a>
    <a href="/log?line=Hello">/log</a> <a href="/crash">/crash</a></nav>
  <div id="answers"></div>
</main>
<script>
  document.querySelector('button').onclick = async () => {
    const counts = new Map()
    for (let i = 0; i < 20; i++) {
      const { instanceIndex } = await (await fetch('/env')).json()
      counts.set(instanceIndex, (counts.get(instanceIndex) ?? 0) + 1)
      document.querySelector('#answers').replaceChildren(...[...counts].sort(([a], [b]) => a - b).map(([index, count]) => {
        const bar = document.createElement('div')
        bar.style.cssText = 'width: max(9rem, ' + count * 5 + '%); --h: ' + (index * 67 + 150) % 360
        bar.textContent = 'instance ' + index + ': ' + count
        return bar
      }))
    }
  }
</script>
</html>
`
}
