// Written by npm run texts, from the table that all apps share.

export const TABLE = {
  "app_name": {
    "en": "Retina lesions",
    "de": "Netzhautläsionen"
  },
  "not_a_device": {
    "en": "Not a medical device. For research and prototypes; no diagnosis may rest on it.",
    "de": "Kein Medizinprodukt. Für Forschung und Prototypen; keine Diagnose darf darauf beruhen."
  },
  "stays_here": {
    "en": "No photo leaves this device.",
    "de": "Kein Foto verlässt dieses Gerät."
  },
  "invitation": {
    "en": "Choose a photo of a retina to see its lesions.",
    "de": "Ein Foto einer Netzhaut auswählen, um ihre Läsionen zu sehen."
  },
  "take_photo": {
    "en": "Take a photo",
    "de": "Foto aufnehmen"
  },
  "pick_photo": {
    "en": "Choose a photo",
    "de": "Foto auswählen"
  },
  "drop_photo": {
    "en": "or drop one here",
    "de": "oder hier ablegen"
  },
  "samples": {
    "en": "Sample pictures (synthetic)",
    "de": "Beispielbilder (synthetisch)"
  },
  "sample": {
    "en": "Sample picture {0}",
    "de": "Beispielbild {0}"
  },
  "picture": {
    "en": "Photo with coloured lesions",
    "de": "Foto mit farbigen Läsionen"
  },
  "picture_help": {
    "en": "Pinch or use + and − to zoom, drag or use the arrow keys to move, 0 to fit.",
    "de": "Mit zwei Fingern oder + und − vergrößern, ziehen oder mit den Pfeiltasten verschieben, 0 passt ein."
  },
  "zoom_in": {
    "en": "Zoom in",
    "de": "Vergrößern"
  },
  "zoom_out": {
    "en": "Zoom out",
    "de": "Verkleinern"
  },
  "zoom_fit": {
    "en": "Fit",
    "de": "Einpassen"
  },
  "opacity": {
    "en": "Opacity",
    "de": "Deckkraft"
  },
  "opacity_value": {
    "en": "{0} %",
    "de": "{0} %"
  },
  "lesions": {
    "en": "Lesions",
    "de": "Läsionen"
  },
  "lesion_ma": {
    "en": "Microaneurysms",
    "de": "Mikroaneurysmen"
  },
  "lesion_he": {
    "en": "Haemorrhages",
    "de": "Blutungen"
  },
  "lesion_ex": {
    "en": "Hard exudates",
    "de": "Harte Exsudate"
  },
  "lesion_se": {
    "en": "Soft exudates",
    "de": "Weiche Exsudate"
  },
  "show_lesion": {
    "en": "Show {0}",
    "de": "{0} anzeigen"
  },
  "count": {
    "en": "Count",
    "de": "Anzahl"
  },
  "area": {
    "en": "Share of the retina",
    "de": "Anteil an der Netzhaut"
  },
  "area_value": {
    "en": "{0} %",
    "de": "{0} %"
  },
  "area_below": {
    "en": "< {0} %",
    "de": "< {0} %"
  },
  "finding": {
    "en": "{0}: {1}, {2} of the retina",
    "de": "{0}: {1}, {2} der Netzhaut"
  },
  "quality": {
    "en": "Picture quality",
    "de": "Bildqualität"
  },
  "quality_value": {
    "en": "{0} %",
    "de": "{0} %"
  },
  "quality_spoken": {
    "en": "Picture quality {0} %",
    "de": "Bildqualität {0} %"
  },
  "show_counts": {
    "en": "Show the counts all the same",
    "de": "Zahlen trotzdem zeigen"
  },
  "calibrated": {
    "en": "calibrated",
    "de": "kalibriert"
  },
  "working": {
    "en": "Looking for lesions…",
    "de": "Läsionen werden gesucht…"
  },
  "loading_model": {
    "en": "Loading the model…",
    "de": "Modell wird geladen…"
  },
  "done": {
    "en": "Done in {0} ms",
    "de": "Fertig in {0} ms"
  },
  "latency": {
    "en": "Model time",
    "de": "Rechenzeit des Modells"
  },
  "milliseconds": {
    "en": "{0} ms",
    "de": "{0} ms"
  },
  "model": {
    "en": "Model",
    "de": "Modell"
  },
  "model_line": {
    "en": "{0}: {1}, {2}, mobileseg {3}",
    "de": "{0}: {1}, {2}, mobileseg {3}"
  },
  "offline_ready": {
    "en": "Ready to work offline",
    "de": "Arbeitet jetzt auch ohne Netz"
  },
  "save_overlay": {
    "en": "Save picture",
    "de": "Bild sichern"
  },
  "retry": {
    "en": "Try again",
    "de": "Noch einmal"
  },
  "error_photo_unreadable": {
    "en": "{0} cannot be read as a picture; choose a JPEG, PNG or WebP file.",
    "de": "{0} lässt sich nicht als Bild lesen; bitte eine JPEG-, PNG- oder WebP-Datei auswählen."
  },
  "error_photo_large": {
    "en": "{0} has {1} million pixels; at most {2} million can be read. Choose a smaller one.",
    "de": "{0} hat {1} Millionen Pixel; höchstens {2} Millionen sind lesbar. Bitte ein kleineres auswählen."
  },
  "error_file_large": {
    "en": "{0} has {1} MB; at most {2} MB can be read. Choose a smaller one.",
    "de": "{0} hat {1} MB; höchstens {2} MB sind lesbar. Bitte eine kleinere auswählen."
  },
  "error_memory": {
    "en": "Not enough memory for this photo; choose a smaller one.",
    "de": "Für dieses Foto reicht der Speicher nicht; bitte ein kleineres auswählen."
  },
  "error_no_model": {
    "en": "There is no model here. Put one in: mobileseg bundle-apps BUNDLE.",
    "de": "Hier ist kein Modell. Eines einsetzen: mobileseg bundle-apps BUNDLE."
  },
  "error_not_json": {
    "en": "model.json is no JSON object. Convert the run again.",
    "de": "model.json ist kein JSON-Objekt. Den Lauf neu umwandeln."
  },
  "error_schema_newer": {
    "en": "model.json has schema {0}, this app knows {1}. Update the app.",
    "de": "model.json hat Schema {0}, diese App kennt {1}. Die App aktualisieren."
  },
  "error_schema": {
    "en": "model.json has schema {0}, expected {1}. Convert the run again.",
    "de": "model.json hat Schema {0}, erwartet ist {1}. Den Lauf neu umwandeln."
  },
  "error_target": {
    "en": "The model is for {0}, this app takes {1}. Convert the run with --target {1}.",
    "de": "Das Modell ist für {0}, diese App nimmt {1}. Den Lauf mit --target {1} umwandeln."
  },
  "error_entry": {
    "en": "model.json: {0} is missing or of another kind. Convert the run again.",
    "de": "model.json: {0} fehlt oder ist von anderer Art. Den Lauf neu umwandeln."
  },
  "error_sum": {
    "en": "{0} is not the file that model.json describes. Put the bundle in again.",
    "de": "{0} ist nicht die Datei, die model.json beschreibt. Das Bündel neu einsetzen."
  },
  "error_no_sum": {
    "en": "This address is not secure, so the model cannot be checked. Open the page from localhost or over https.",
    "de": "Diese Adresse ist nicht sicher, daher lässt sich das Modell nicht prüfen. Die Seite von localhost oder über https öffnen."
  },
  "error_model": {
    "en": "The model does not load or answer: {0}",
    "de": "Das Modell lädt oder antwortet nicht: {0}"
  },
  "error_no_wasm": {
    "en": "This browser has no WebAssembly. Use a current one.",
    "de": "Dieser Browser hat kein WebAssembly. Bitte einen aktuellen verwenden."
  },
  "error_network": {
    "en": "{0} cannot be fetched. Check the connection and try again.",
    "de": "{0} lässt sich nicht abrufen. Verbindung prüfen und noch einmal versuchen."
  },
  "error_old_browser": {
    "en": "This browser is too old for this page. Use a current one.",
    "de": "Dieser Browser ist für diese Seite zu alt. Bitte einen aktuellen verwenden."
  },
  "new_version": {
    "en": "There is a newer version of this page.",
    "de": "Es gibt eine neuere Fassung dieser Seite."
  },
  "reload": {
    "en": "Load it",
    "de": "Neu laden"
  },
  "flag_no_retina": {
    "en": "No retina found.",
    "de": "Keine Netzhaut gefunden."
  },
  "flag_not_fundus": {
    "en": "This does not look like a retina.",
    "de": "Das sieht nicht nach einer Netzhaut aus."
  },
  "flag_too_dark": {
    "en": "Too dark: bring the light closer and take it again.",
    "de": "Zu dunkel: Licht näher halten und noch einmal aufnehmen."
  },
  "flag_too_bright": {
    "en": "Too bright: dim the light and take it again.",
    "de": "Zu hell: Licht schwächer stellen und noch einmal aufnehmen."
  },
  "flag_blurred": {
    "en": "Blurred: hold still, focus, and take it again.",
    "de": "Unscharf: ruhig halten, scharf stellen und noch einmal aufnehmen."
  },
  "flag_glare": {
    "en": "Glare: change the angle of the light and take it again.",
    "de": "Spiegelung: Winkel des Lichts ändern und noch einmal aufnehmen."
  },
  "flag_field_cut": {
    "en": "Part of the retina is cut off: move back or re-centre, and take it again.",
    "de": "Ein Teil der Netzhaut fehlt: Abstand vergrößern oder neu ausrichten und noch einmal aufnehmen."
  },
  "flag_odd_colour": {
    "en": "Colours unlike the pictures it was trained on: check the camera's white balance.",
    "de": "Farben anders als in den Trainingsbildern: Weißabgleich der Kamera prüfen."
  },
  "flag_too_small": {
    "en": "Too small: the retina has fewer pixels than the network takes.",
    "de": "Zu klein: Die Netzhaut hat weniger Pixel, als das Netz nimmt."
  },
  "flag_poor": {
    "en": "Too poor to find lesions in: take it again.",
    "de": "Zu schlecht, um Läsionen zu finden: noch einmal aufnehmen."
  }
};
