// The ways in which a photo comes: chosen, taken, dropped, pasted.

// `onPhoto`: called with what gives a File.
export function takeIn(page, onPhoto) {
  for (const [button, input] of [
    ['#pick', '#file'],
    ['#take', '#camera'],
  ]) {
    const field = page.querySelector(input);
    page.querySelector(button).addEventListener('click', () => field.click());
    field.addEventListener('change', () => {
      const [file] = field.files;
      if (file) onPhoto(() => file);
      field.value = ''; // so that the same file can be chosen again
    });
  }
  takeDropped(page, onPhoto);
  page.addEventListener('paste', ({ clipboardData }) => {
    const [file] = clipboardData.files;
    if (file) onPhoto(() => file);
  });
}

// Anywhere on the page: elsewhere a browser would leave it for the picture.
function takeDropped(page, onPhoto) {
  const root = page.documentElement;
  page.addEventListener('dragover', (event) => {
    event.preventDefault();
    root.classList.add('dragging');
  });
  page.addEventListener('dragleave', ({ relatedTarget }) => {
    if (!relatedTarget) root.classList.remove('dragging');
  });
  page.addEventListener('drop', (event) => {
    event.preventDefault();
    root.classList.remove('dragging');
    const [file] = event.dataTransfer.files;
    if (file) onPhoto(() => file);
  });
}
