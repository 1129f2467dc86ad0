"""The words of column names by what they mean: one line a role, ``_`` between the words of one term. English, German,
French, Spanish, Portuguese, Italian, Polish, Czech; folded to small letters of ASCII."""

from __future__ import annotations


def _by_role(text: str) -> dict[tuple[str, ...], str]:
    """Term -> role."""
    found: dict[tuple[str, ...], str] = {}
    role = ""
    for line in text.strip().splitlines():
        head, colon, rest = line.partition(": ")
        role = head if colon else role
        for term in (rest if colon else line).split():
            found.setdefault(tuple(term.split("_")), role)
    return found


TEXT_TERMS = _by_role(
    """
email: email email_address e_mail mail mail_address emailaddress correo correo_electronico courriel adresse_mail
    posta_elettronica poczta adres_email epost e_posta
phone: phone telephone tel mobile cell cellphone cell_phone fax telefax mobile_number phone_number msisdn whatsapp
    gsm telefon telefonnummer rufnummer handy handynummer mobil mobilnummer telefono movil celular telefone
    telemovel cellulare komorka numer_telefonu mobilni telefonni_cislo
first_name: first_name firstname given_name givenname fore_name forename fname middle_name vorname rufname prenom
    nombre_de_pila primer_nombre nombres primeiro_nome nome_proprio imie imiona krestni_jmeno
last_name: last_name lastname sur_name surname family_name familyname lname maiden_name nachname familienname zuname
    geburtsname nom_de_famille nom_famille apellido apellidos primer_apellido sobrenome apelido ultimo_nome cognome
    nazwisko prijmeni
full_name: full_name fullname person_name contact_name contact_person customer_name client_name employee_name
    author_name display_name holder_name cardholder cardholder_name card_holder account_holder owner_name
    reviewer_name ship_name ship_to_name recipient recipient_name patient_name student_name passenger_name
    guest_name driver_name doctor_name composer author artist_name sales_person account_owner ansprechpartner
    kontaktperson kundenname kontoinhaber karteninhaber vollstaendiger_name nom_complet nom_prenom nom_client
    beneficiaire titulaire nombre_completo nombre_cliente titular beneficiario nome_completo nome_cliente
    nome_cognome nominativo intestatario imie_nazwisko imie_i_nazwisko cele_jmeno jmeno_prijmeni jmeno_a_prijmeni
    kontaktni_osoba
user_name: user_name username login login_id login_name logon nick nick_name nickname screen_name user_handle
    twitter_handle benutzername benutzerkennung anmeldename nom_utilisateur nom_d_utilisateur nombre_usuario
    nombre_de_usuario usuario nome_usuario nome_de_usuario utilizador nome_utente utente nazwa_uzytkownika
    uzytkownik uzivatelske_jmeno
company: company company_name employer employer_name firm business_name organization organisation organization_name
    organisation_name vendor_name supplier_name corporation firma firmenname unternehmen arbeitgeber societe
    entreprise raison_sociale employeur empresa razon_social compania empregador azienda ragione_sociale societa
    nazwa_firmy pracodawca przedsiebiorstwo spolecnost nazev_firmy zamestnavatel
street: street street_name street_address address address_line addr strasse strassenname anschrift adresse
    lieferadresse rechnungsadresse rue voie direccion calle domicilio endereco rua logradouro morada indirizzo via
    adres ulica adresa ulice physical_address mailing_address
postcode: postcode post_code postal_code postalcode zip zip_code zipcode eircode pin_code plz postleitzahl
    code_postal codigo_postal cod_postal cep codice_postale cap kod_pocztowy psc
city: city city_name town municipality birth_place birthplace place_of_birth capital ort stadt wohnort gemeinde
    geburtsort ville commune lieu_naissance lieu_de_naissance ciudad localidad localidade municipio poblacion cidade
    comune
    localita citta miasto miejscowosc mesto obec location
state: state province state_province region county district prefecture bundesland kanton departement provincia
    comunidad_autonoma distrito regione wojewodztwo powiat okres estado uf etat
country: country country_name nation nationality country_of_origin land herkunftsland staat staatsangehoerigkeit
    pays nationalite pais nacionalidad nacionalidade paese nazione nazionalita panstwo obywatelstwo zeme narodnost
country_code: country_code country_iso iso_country iso_code iso2 iso3 iso_2 iso_3 alpha2 alpha3 alpha_2 alpha_3
    country_region_code laendercode laenderkuerzel landcode laenderkennzeichen code_pays codigo_pais cod_pais
    codice_paese codigo_do_pais kod_kraju kod_zeme
currency: currency currency_code curr ccy waehrung waehrungscode devise monnaie moneda divisa moeda valuta waluta
    kod_waluty mena kod_meny
language: language language_code lang sprache sprachcode langue idioma lengua lingua jezyk jazyk culture
    culture_code
locale: locale locale_code language_tag lang_tag ui_locale
time_zone: time_zone timezone tz tzone tz_name zeitzone fuseau_horaire zona_horaria huso_horario fuso_horario
    fuso_orario strefa_czasowa casove_pasmo
sex: sex gender geschlecht sexe genre sexo genero sesso genere plec pohlavi
salutation: title titre titulo titel tytul salutation
    title_of_courtesy honorific name_prefix anrede civilite tratamiento tratamento saluto titolo
    zwrot osloveni
initials: initials initial middle_initial initialen initiales iniciales iniciais iniziali inicjaly inicialy
birth_date: birth_date birthdate date_of_birth dob geburts_datum birth_day birthday born born_on geburtsdatum
    geburtstag geb_datum gebdat date_naissance date_de_naissance fecha_nacimiento fecha_de_nacimiento
    data_nascimento data_de_nascimento data_nascita data_di_nascita data_urodzenia datum_narozeni
iban: iban iban_number iban_code
account: account_number account_no bank_account bank_account_number kontonummer numero_compte numero_cuenta
    cuenta_bancaria numero_conta conta_bancaria numero_conto conto_corrente numer_konta cislo_uctu
bic: bic swift swift_code bic_code bic_swift
card: credit_card credit_card_number card_number card_no cc_number kreditkarte kartennummer kreditkartennummer
    numero_carte carte_bancaire numero_tarjeta tarjeta_credito numero_cartao cartao_credito numero_carta
    carta_credito numer_karty cislo_karty debit_card
national_id: ssn social_security social_security_number social_security_no national_id national_id_number
    national_insurance_number nino passport passport_number passport_no personal_id identity_number identity_card
    id_card id_number driver_license drivers_license driving_licence license_number licence_number insurance_number
    sozialversicherungsnummer sv_nummer ausweisnummer personalausweis reisepass reisepassnummer fuehrerschein
    steuer_id steueridentifikationsnummer steuerliche_id numero_securite_sociale nir permis_conduire dni nie
    documento_identidad numero_documento cedula curp pasaporte cpf rg cartao_cidadao passaporte codice_fiscale
    carta_identita pesel dowod_osobisty numer_dowodu rodne_cislo cislo_op bsn personnummer aadhaar sin_number
tax_id: tax_id tax_number taxid tax_no tax_code tin ein vat vat_id vat_number vat_no steuernummer ust_id ustid
    ust_id_nr umsatzsteuer_id numero_tva tva_intracommunautaire siren siret cif nif nipc cnpj partita_iva piva p_iva
    nip regon ico dic abn tfn gstin
ip: ip ip_address ipaddress ipaddr ip_addr client_ip remote_addr remote_ip source_ip ipv4 ipv6 ip_adresse adresse_ip
    direccion_ip endereco_ip indirizzo_ip adres_ip ip_adresa
cidr: cidr subnet network netmask ip_range
mac: mac mac_address macaddr macaddress hwaddr hardware_address mac_adresse adresse_mac adres_mac
url: url uri website web_site home_page homepage link href web_page web_address permalink webseite site_web
    sitio_web pagina_web sito sito_web strona_www strona_internetowa webova_stranka image_url
domain: domain domain_name hostname host_name host fqdn domaene domaine dominio domena
user_agent: user_agent useragent browser browser_agent
uuid: uuid guid rowguid row_guid
hash: hash md5 sha1 sha256 sha512 checksum digest fingerprint etag pruefsumme empreinte suma_kontrolna
password: password passwd pwd password_hash password_salt salt secret passwort kennwort mot_de_passe contrasena
    clave senha haslo heslo passphrase
token: token api_key apikey access_key access_token refresh_token session_token session_id auth_key secret_key
    auth_token device_token jwt bearer cookie nonce
slug: slug url_key url_slug permalink_slug
path: path file_path filepath file_name filename file_location directory pfad dateipfad dateiname chemin nom_fichier
    ruta nombre_archivo caminho nome_arquivo nome_ficheiro percorso nome_file sciezka nazwa_pliku cesta
    nazev_souboru photo_path
colour: colour color color_code hex_color farbe farbcode couleur cor colore kolor barva
version: version app_version software_version version_number version_no release_version semver wersja verze versao
    versione firmware
isbn: isbn isbn10 isbn13 isbn_10 isbn_13
ean: ean ean13 ean_code gtin gtin13 upc upc_code barcode bar_code strichcode code_barres codigo_barras
    codigo_de_barras codice_barre kod_kreskowy carovy_kod
sku: sku article_number article_no item_number item_no product_number product_no part_number part_no product_code
    item_code material_number artikelnummer artikelnr teilenummer bestellnummer numero_article code_article
    reference_produit codigo_producto codigo_articulo codigo_produto codice_prodotto codice_articolo kod_produktu
    numer_artykulu cislo_zbozi kod_zbozi
plate: license_plate licence_plate plate plate_number number_plate registration_plate vehicle_registration
    kennzeichen kfz_kennzeichen immatriculation plaque plaque_immatriculation placa matricula targa
    tablica_rejestracyjna numer_rejestracyjny spz registracni_znacka
latitude: latitude lat geo_lat breitengrad breite_geo latitud latitudine szerokosc_geograficzna zemepisna_sirka
longitude: longitude lon lng long geo_lon geo_lng laengengrad longitud longitudine dlugosc_geograficzna
    zemepisna_delka
coordinates: coordinates coordinate coords geolocation latlng lat_lng lat_lon gps gps_position koordinaten
    coordonnees coordenadas coordinate_geografiche wspolrzedne souradnice
"""
)
NUMBER_TERMS = _by_role(
    """
percentage: percent tax_rate interest_rate growth_rate conversion_rate discount_rate vat_rate
    commission_rate percentage pct share discount tax_rate prozent anteil rabatt steuersatz
    pourcentage remise porcentaje descuento porcentagem desconto percentuale sconto procent
    stopa procento sleva
rate: rate ratio quote taux tasa taxa tasso stopa sazba
money: price amount amt cost total subtotal sub_total salary wage pay revenue balance fee tax tax_amount freight payment
    turnover income budget bonus quota sales gdp bounty price_amount fare charge deposit credit debit net gross
    preis betrag kosten gehalt lohn umsatz saldo gebuehr steuer summe brutto netto prix montant cout salaire
    chiffre_affaires solde frais taxe precio importe coste costo salario sueldo ingreso impuesto preco valor custo
    receita imposto prezzo stipendio ricavo tassa importo cena kwota koszt pensja wynagrodzenie przychod podatek
    castka naklad plat trzba dan unit_price list_price
year: year model_year release_year year_built exp_year jahr baujahr annee ano anno rok rocznik
age: age alter edad idade eta wiek vek
date_part: month day week day_of_week weekday day_of_month quarter hour minute exp_month monat tag woche wochentag
    quartal stunde mois jour semaine heure mes dia semana hora mese giorno settimana ora miesiac dzien tydzien
    godzina mesic den tyden hodina
ordinal: rating grade bewertung ocena hodnoceni
    rank position sort_order sort order_no sequence sequence_no seq priority level line_number line_no
    row_number revision rang reihenfolge prioritaet stufe ordre rangement priorite orden ordem ordine kolejnosc
    poradi priorytet
count: count quantity qty number_of num stock inventory views votes clicks visits hits units customers population
    anzahl menge stueckzahl bestand quantite nombre_de cantidad numero_de existencias quantidade estoque quantita
    conteggio giacenza ilosc liczba zapas pocet mnozstvi zasoba up_votes down_votes
measure: alt temp delay weight height width length depth area
    volume temperature size distance duration speed altitude elevation
    milliseconds seconds minutes bytes pressure humidity capacity gewicht hoehe breite laenge tiefe flaeche
    temperatur groesse entfernung dauer geschwindigkeit poids hauteur largeur longueur profondeur surface duree
    vitesse taille peso altura anchura ancho largo longitud_cm temperatura distancia velocidad largura comprimento
    tamanho altezza larghezza lunghezza superficie velocita durata waga wysokosc szerokosc dlugosc powierzchnia
    predkosc vaha vyska sirka delka plocha rychlost teplota
flag: flag active enabled deleted discontinued is has aktiv actif activo ativo attivo aktywny aktivni geloescht
    supprime eliminado
"""
)
"""Words that mean less than a role stand with numbers or shapes."""
