// After the first visit the page works without a network: see sw.js.

const container = navigator.serviceWorker; // absent where the address is not secure

// `onNews`: another version is stored. Listen early: what comes before is lost.
export function hearNews(onNews) {
  container?.addEventListener('message', ({ data }) => {
    if (data === 'news') onNews();
  });
}

// Whether everything is stored now.
export async function storePage() {
  try {
    await container?.register('sw.js', { updateViaCache: 'none' });
    await container?.ready;
    return Boolean(container);
  } catch {
    return false; // private windows and full disks refuse; the page works all the same, online
  }
}
