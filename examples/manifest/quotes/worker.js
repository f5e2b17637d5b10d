import { quotes } from './quotes.js'

// A process without a port: it works through the quotes, and starts over.
const pauseInSeconds = Number(process.env.PAUSE_IN_SECONDS ?? 15)
let position = 0
const timer = setInterval(work, pauseInSeconds * 1000)

// Before the first quote, so that it may be told to stop at any time.
process.on('SIGTERM', () => {
  console.log(`Stopping after ${position} quotes`)
  clearInterval(timer)
})

function work() {
  const { text, by } = quotes[position % quotes.length]
  console.log(`Quote ${position + 1} has ${text.split(' ').length} words and is by ${by}`)
  position += 1
}

work()
